// The least that standing in front of libc's allocator can cost: a jump to its functions, under the names by which it
// gives them to an allocator that does so (glibc manual, "Replacing malloc", has the set).
#include <cstddef>

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): libc's
void* __libc_malloc(std::size_t bytes);
void __libc_free(void* p);
void* __libc_calloc(std::size_t count, std::size_t each);
void* __libc_realloc(void* old, std::size_t bytes);
// NOLINTEND(bugprone-reserved-identifier)

void* malloc(std::size_t bytes) { return __libc_malloc(bytes); }
void free(void* p) { __libc_free(p); }
void* calloc(std::size_t count, std::size_t each) { return __libc_calloc(count, each); }
void* realloc(void* old, std::size_t bytes) { return __libc_realloc(old, bytes); }
}
