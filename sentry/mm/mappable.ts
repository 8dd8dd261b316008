/** What a file offers to mmap(2). Implemented by files, used by the address space. */
export interface Mappable {
  /** True for /dev/zero: a mapping of it is anonymous memory, and nothing else of this interface is asked for. */
  readonly anonymous?: boolean;
  /** May this part be mapped? 0 or a negated errno; absent: any may. */
  checkPart?(offset: number, length: number): number;
  /**
   * A host descriptor whose offsets equal the file's, open for reading (and for writing when `writable`), or a
   * negated errno (-EPERM: sealed against writing). It is lent: the caller dups or sends it at once, never closes it.
   */
  hostFd(writable: boolean): number;
  /** Path shown in /proc/PID/maps. */
  mapName(): string;
  mapDev(): number;
  mapIno(): number;
  /**
   * One more or one less VMA uses the object, which must stay usable while any does. `sharedWriter`: a shared mapping
   * that can be written or made so; F_SEAL_WRITE is refused (EBUSY) while one exists.
   */
  addMapping(sharedWriter: boolean): void;
  removeMapping(sharedWriter: boolean): void;
}
