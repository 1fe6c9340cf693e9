import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { createDurably, isCode, isTemporary, makeFolder } from '../../blobs/durable-file.ts'
import type { Claims } from './claims.ts'

const File = z.strictObject({ key: z.string(), value: z.unknown() })

const CLAIM = '.claim'
const OUTCOME = '.outcome'
/** Longest encoded name, bytes; file systems allow 255. */
const NAME_LIMIT = 200

/**
 * Claims as files: one folder for what precedes the first slash of a key (a run), in it `<rest>.claim` and
 * `<rest>.outcome`. Each is created by a hard link, so it is whole or not there, and the first one stays.
 */
export function createDirectoryClaims(folder: string): Claims {
  const toPlace = (key: string) => {
    const slash = key.indexOf('/')
    if (slash < 1 || slash === key.length - 1) throw new Error(`"${key}" is not a claim key: it must be <run>/<name>`)
    const shelf = join(folder, toName(key.slice(0, slash)))
    return { shelf, path: join(shelf, toName(key.slice(slash + 1))) }
  }

  const load = async (path: string): Promise<z.infer<typeof File> | null> => {
    try {
      return File.parse(JSON.parse(await readFile(path, 'utf8')))
    } catch (error) {
      if (isCode(error, 'ENOENT')) return null
      throw new Error(`the claim ${path} can not be read; nothing is sent or undone without it`, { cause: error })
    }
  }

  const read = async (key: string) => {
    const { path } = toPlace(key)
    const claim = await load(path + CLAIM)
    if (!claim) return null
    if (claim.key !== key) throw new Error(`the claim ${path} belongs to "${claim.key}", not to "${key}"`)
    return { value: claim.value, outcome: (await load(path + OUTCOME))?.value ?? null }
  }

  const create = async (path: string, key: string, value: unknown) =>
    await createDurably(path, Buffer.from(JSON.stringify({ key, value: value ?? null }), 'utf8'))

  return {
    async create(key, value) {
      const { shelf, path } = toPlace(key)
      await makeFolder(shelf)
      if (await create(path + CLAIM, key, value)) return { created: true }
      const first = await read(key)
      if (!first) throw new Error(`the claim ${path} vanished; claims are never deleted`)
      return { created: false, ...first }
    },
    async settle(key, outcome) {
      const { path } = toPlace(key)
      if (!(await load(path + CLAIM))) throw new Error(`there is no claim "${key}" to settle`)
      await create(path + OUTCOME, key, outcome)
    },
    read,
    async list(prefix) {
      const slash = prefix.indexOf('/')
      const shelves = slash < 0 ? await names(folder) : [toName(prefix.slice(0, slash))]
      const keys = await Promise.all(
        shelves.map(async (shelf) => {
          const claims = (await names(join(folder, shelf))).filter((name) => name.endsWith(CLAIM))
          return await Promise.all(claims.map(async (name) => (await load(join(folder, shelf, name)))?.key))
        }),
      )
      return keys
        .flat()
        .filter((key): key is string => key?.startsWith(prefix) === true)
        .sort()
    },
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !isTemporary(name))
  } catch (error) {
    if (isCode(error, 'ENOENT')) return []
    throw error
  }
}

/**
 * A file name for any text: upper case is escaped too, as some file systems take `A` for `a`; a leading dot would be
 * hidden or lead upwards. Long texts are named by their digest; the file itself says what it is for.
 */
function toName(text: string): string {
  const name = Buffer.from(text, 'utf8')
    .toString('latin1')
    .replaceAll(/[^a-z0-9_.-]|^\./g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return name.length <= NAME_LIMIT ? name : `%%${createHash('sha256').update(text).digest('hex')}`
}
