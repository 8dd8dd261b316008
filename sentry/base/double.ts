/**
 * The zero of fields that will hold fractions or more than 31 bits: times in ns, addresses, sizes, inode numbers.
 *
 * V8 notes in a class's hidden class whether a field has only ever held small integers. The first other number makes
 * every object of the class change over to a new hidden class, and all code that was compiled for the old one is thrown
 * away: a first process that ends, say, would slow down each system call for a while. This zero is not a small
 * integer to V8 (it is -0), and equal to 0 for everybody else.
 */
export const DOUBLE_ZERO = -0;
