import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { INLINE_BYTES } from '../run/stored.ts'
import type { Stored } from '../run/stored.ts'
import type { Blobs } from './blobs.ts'
import { createDurably, isCode, makeFolder } from './durable-file.ts'

/** No such bytes are stored. */
export class BlobMissing extends Error {
  override readonly name = 'BlobMissing'
}
/** The bytes that are stored are not those of the digest. */
export class BlobCorrupt extends Error {
  override readonly name = 'BlobCorrupt'
}

/** Blobs as files, by digest: `<folder>/ab/<rest of the digest>`. Several processes may share the folder. */
export function createDirectoryBlobs(folder: string): Blobs {
  /** Digests known to be stored, so that storing them again costs no system call. Bounded. */
  const stored = new Set<string>()
  const toPlace = (digest: string) => {
    const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1]
    if (!hex) throw new BlobMissing(`"${digest}" is not the digest of a blob`)
    return { shard: join(folder, hex.slice(0, 2)), path: join(folder, hex.slice(0, 2), hex.slice(2)) }
  }
  return {
    async put(bytes, type) {
      const digest = toDigest(bytes)
      const text = bytes.length <= INLINE_BYTES ? toText(bytes) : undefined
      // What is small and readable travels with its reference, and is durable where that is: in the history, in a claim.
      if (text !== undefined) return { digest, size: bytes.length, type, text }
      if (!stored.has(digest)) {
        const { shard, path } = toPlace(digest)
        await makeFolder(shard)
        await createDurably(path, bytes)
        if (stored.size >= 10_000) stored.clear()
        stored.add(digest)
      }
      return { digest, size: bytes.length, type }
    },
    async get({ digest, text }: Stored) {
      if (text !== undefined) {
        const bytes = Buffer.from(text, 'utf8')
        if (toDigest(bytes) === digest) return bytes
      }
      const { path } = toPlace(digest)
      const bytes = await readFile(path).catch((error: unknown) => {
        if (!isCode(error, 'ENOENT')) throw error
        throw new BlobMissing(`${digest} is not stored in ${folder}; was it moved, or is this another installation's?`)
      })
      if (toDigest(bytes) !== digest) {
        throw new BlobCorrupt(`${path} does not hold the bytes of ${digest}; restore it from a backup`)
      }
      return bytes
    },
  }
}

function toDigest(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function toText(bytes: Uint8Array): string | undefined {
  try {
    // Kept with its byte order mark, or the text would not be the bytes.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
