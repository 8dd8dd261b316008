/** Methods of Node's Buffer that its types leave out: the fast ways between latin1 strings and bytes. */
export {};

declare global {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- merging needs the same type parameters
  interface Buffer<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> {
    latin1Slice(start?: number, end?: number): string;
    latin1Write(text: string, offset?: number, length?: number): number;
  }
}
