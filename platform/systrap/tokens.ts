/**
 * Numbers by which the host announces what happens to descriptors, and who is told. Several announcements come at once,
 * and telling the first of them may end what a later one is about, and begin something new: that must not be told
 * what was meant for another. So a number is given away again only when all that was announced has been told.
 */
export class Tokens {
  private readonly callbacks: (((mask: number) => void) | null)[] = [];
  private readonly free: number[] = [];
  private readonly dropped: number[] = [];

  add(callback: (mask: number) => void): number {
    const token = this.free.pop() ?? this.callbacks.length;
    this.callbacks[token] = callback;
    return token;
  }

  drop(token: number): void {
    this.callbacks[token] = null;
    this.dropped.push(token);
  }

  tell(token: number, mask: number): void {
    this.callbacks[token]?.(mask);
  }

  /** Before the host is asked for more: nothing that it has announced is left to be told. */
  allTold(): void {
    while (this.dropped.length > 0) this.free.push(this.dropped.pop()!);
  }
}
