// A library of the program that is linked to it.
int linked_answer();
int linked_answer() { return 1; }
