import type { Stored } from '../run/stored.ts'

/** Content-addressed store for bodies, images of resources, code, logs and artifacts. */
export interface Blobs {
  /**
   * Stores bytes under their SHA-256, durably (synced) before it returns; up to 1 KiB of UTF-8 is kept in the reference
   * itself instead. Storing the same bytes again is free.
   */
  put(bytes: Uint8Array, type: string | null): Promise<Stored>
  /** @throws BlobMissing when no such bytes are stored; BlobCorrupt when they do not match their digest. */
  get(stored: Stored): Promise<Uint8Array>
}
