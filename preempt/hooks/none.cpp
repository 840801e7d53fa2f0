// Nothing is interposed beside a sanitizer; why_unsupported() says so.
namespace workit::preempt {}
