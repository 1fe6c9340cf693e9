import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanups } from './cleanups.ts'
import { runCommand } from './command.ts'
import { packageRoot } from './package-root.ts'

/** Oldest server that has all we use (updates with start, update reset handling). */
const MINIMUM_SERVER = [1, 28] as const

const moduleFolder = join(packageRoot, 'tools', 'temporal')

/** A `temporal` that is ready to start. */
export interface TemporalBinary {
  readonly command: string
  readonly from: 'path' | 'cache'
  /** As it names itself, e.g. `temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)`. */
  readonly version: string
}

/** What `tools/temporal/go.mod` pins: the one place that says which version we get. */
export async function readPins(): Promise<{ folder: string; cli: string; go: string }> {
  const text = await readFile(join(moduleFolder, 'go.mod'), 'utf8')
  const cli = text.match(/^\s*(?:require )?github\.com\/temporalio\/cli v(\S+)/m)?.[1]
  const go = text.match(/^go (\S+)/m)?.[1]
  if (cli === undefined || go === undefined)
    throw new Error(`${moduleFolder}/go.mod names no version of temporalio/cli`)
  return { folder: moduleFolder, cli, go }
}

/** Where our own binary is kept. */
export async function cachedBinary(cacheDirectory: string): Promise<string> {
  return join(cacheDirectory, 'temporal', (await readPins()).cli, 'temporal')
}

/** Looks on PATH, then in the cache. Fetches nothing. */
export async function findTemporal(cacheDirectory: string): Promise<TemporalBinary | null> {
  const onPath = await describe('temporal')
  if (onPath !== null) return { command: 'temporal', from: 'path', version: onPath }
  const cached = await cachedBinary(cacheDirectory)
  if (!existsSync(cached)) return null
  const version = await describe(cached)
  return version === null ? null : { command: cached, from: 'cache', version }
}

/** Its version line; null when it does not run or is too old. */
async function describe(command: string): Promise<string | null> {
  const result = await runCommand(command, ['--version'], { timeoutMs: 10_000 })
  const version = result?.stdout.trim() ?? ''
  return result?.exitCode === 0 && isRecent(version) ? version : null
}

/** True for a version line whose server is new enough. */
export function isRecent(version: string): boolean {
  const [, major, minor] = version.match(/Server (\d+)\.(\d+)/) ?? []
  if (major === undefined || minor === undefined) return false
  return (
    Number(major) > MINIMUM_SERVER[0] || (Number(major) === MINIMUM_SERVER[0] && Number(minor) >= MINIMUM_SERVER[1])
  )
}

/**
 * Puts a binary at `target`: `make` writes it into a fresh folder beside it, and only a complete one is renamed into
 * place. Interrupted at any moment, nothing is left.
 */
export async function install(target: string, make: (folder: string) => Promise<string>): Promise<void> {
  const parent = join(target, '..')
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, '.partial-'))
  const cleanup = cleanups.add(() => rm(folder, { recursive: true, force: true }))
  try {
    await rename(await make(folder), target)
  } finally {
    await cleanup.run()
  }
}
