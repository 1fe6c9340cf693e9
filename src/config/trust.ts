import { mkdir, open, readFile, realpath, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/**
 * A config is code, and a folder can come from anywhere: it is run only after somebody said once that it may. What is
 * trusted is the file's place, not its content: it imports others, so a digest of it would promise more than it keeps.
 */
const Store = z.strictObject({ trusted: z.record(z.string(), z.strictObject({ since: z.string() })) })

export class UntrustedConfig extends Error {
  override readonly name = 'UntrustedConfig'
  constructor(path: string, command: string) {
    super(
      `${path} was never run by you, and a config is code that runs with your rights; read it, then trust it once with: ${command}`,
    )
  }
}

export interface TrustOptions {
  /** Absolute path of the config. */
  readonly path: string
  /** Where the answers are kept; never inside the folder they are about. */
  readonly stateDirectory: string
  /** True: the caller was told to trust it. */
  readonly trust: boolean
  /** Asks a person; null: nobody is there to ask. */
  readonly ask: ((question: string) => Promise<boolean>) | null
  /** The command that trusts it, for the error. */
  readonly command: string
}

/** @throws UntrustedConfig where nobody said that this config may be run. */
export async function ensureTrusted(options: TrustOptions): Promise<void> {
  // A link is as good as what it leads to.
  const path = await realpath(options.path)
  const file = join(options.stateDirectory, 'trusted.json')
  const store = await read(file)
  if (Object.hasOwn(store.trusted, path)) return
  const agreed =
    options.trust ||
    ((await options.ask?.(`${path} is code that will run with your rights. Do you trust it?`)) ?? false)
  if (!agreed) throw new UntrustedConfig(path, options.command)
  await mkdir(options.stateDirectory, { recursive: true, mode: 0o700 })
  store.trusted[path] = { since: new Date().toISOString() }
  await write(file, store)
}

async function read(file: string): Promise<z.infer<typeof Store>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { trusted: {} }
    throw error
  }
  try {
    return Store.parse(JSON.parse(text))
  } catch (error) {
    throw new Error(`${file} cannot be understood; delete it, then trust your configs again`, { cause: error })
  }
}

/** As a whole or not at all. */
async function write(file: string, store: z.infer<typeof Store>): Promise<void> {
  const temporary = `${file}.${process.pid}`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(store, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
}
