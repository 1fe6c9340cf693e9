import { randomUUID } from 'node:crypto'
import { link, mkdir, open, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Creates a file with these bytes unless it exists, whole or not at all whatever kills the process, and synced to disk
 * before it returns. False: there was one, which is untouched.
 */
export async function createDurably(path: string, bytes: Uint8Array): Promise<boolean> {
  const folder = dirname(path)
  const temporary = join(folder, `.tmp-${randomUUID()}`)
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    // Unlike a rename, a link fails where the name is taken: this is what makes it create-if-absent.
    await link(temporary, path)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    return false
  } finally {
    await unlink(temporary)
  }
  await syncFolder(folder)
  return true
}

/** Makes a folder and those above it, so that they are there after a power cut as well. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let at = folder; at.length >= first.length; at = dirname(at)) await syncFolder(dirname(at))
}

/** True for temporary files that a killed process left behind. */
export const isTemporary = (name: string): boolean => name.startsWith('.tmp-')

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
