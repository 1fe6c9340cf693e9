import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { BlobCorrupt, BlobMissing, createDirectoryBlobs } from '../../../src/blobs/directory.ts'
import { INLINE_BYTES } from '../../../src/run/stored.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'blobs-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

it('gives back the bytes, from another process as well', async () => {
  const blobs = createDirectoryBlobs(root)
  for (const bytes of [Buffer.from('{}'), Buffer.alloc(0), Buffer.from([0xff, 0x00]), Buffer.alloc(100_000, 'ä')]) {
    const stored = await blobs.put(bytes, 'text/plain')
    expect(stored).toMatchObject({ size: bytes.length, type: 'text/plain' })
    expect(Buffer.from(await createDirectoryBlobs(root).get(stored)).equals(bytes)).toBe(true)
  }
})

it('keeps small UTF-8 in the reference, byte order mark included, and nothing else', async () => {
  const blobs = createDirectoryBlobs(root)
  expect((await blobs.put(Buffer.from('\ufeffä'), null)).text).toBe('\ufeffä')
  expect(await blobs.put(Buffer.from([0xff]), null)).not.toHaveProperty('text')
  expect(await blobs.put(Buffer.alloc(INLINE_BYTES, 'a'), null)).toHaveProperty('text')
  expect(await blobs.put(Buffer.alloc(INLINE_BYTES + 1, 'a'), null)).not.toHaveProperty('text')
})

it('tells missing from corrupt, and believes no text that is not the digest', async () => {
  const blobs = createDirectoryBlobs(root)
  const bytes = Buffer.alloc(INLINE_BYTES + 1, 'a')
  const stored = await blobs.put(bytes, null)
  expect(Buffer.from(await blobs.get({ ...stored, text: 'false' })).equals(bytes)).toBe(true)
  const [shard = ''] = await readdir(root)
  const [name = ''] = await readdir(join(root, shard))
  await chmod(join(root, shard, name), 0o600)
  await writeFile(join(root, shard, name), 'false')
  await expect(blobs.get(stored)).rejects.toThrow(BlobCorrupt)
  await rm(join(root, shard, name))
  await expect(blobs.get(stored)).rejects.toThrow(BlobMissing)
  await expect(blobs.get({ ...stored, digest: '../../etc/passwd' })).rejects.toThrow(BlobMissing)
})
