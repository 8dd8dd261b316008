/** What a file offers to mmap(2). Implemented by files, used by the address space. */
export interface Mappable {
  /**
   * A host descriptor whose offsets equal the file's, open for reading (and for writing when `writable`), or a
   * negated errno. It is lent: the caller dups or sends it at once and never closes it.
   */
  hostFd(writable: boolean): number;
  /** Path shown in /proc/PID/maps. */
  mapName(): string;
  mapDev(): number;
  mapIno(): number;
  /** One more or one less VMA uses the object, which must stay usable while any does. */
  addMapping(): void;
  removeMapping(): void;
}
