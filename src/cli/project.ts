import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import type { Io } from './io.ts'

/** The project a command works for: the folder it was called in, its config, and where what it must keep is kept. */
export interface Project {
  /** The current folder; holds `.recourse/state.json`. */
  readonly folder: string
  readonly configPath: string
  readonly config: Config
  readonly environment: Environment
  /** Blobs, claims, the database of our own Temporal server. */
  readonly stateDir: string
}

export interface ProjectOptions {
  config?: string
  trust?: true
}

/**
 * Finds the config, makes sure that it may be run, runs and checks it, secrets included.
 * @throws ConfigError, UntrustedConfig
 */
export async function openProject(io: Io, options: ProjectOptions, command: string): Promise<Project> {
  const [{ readEnvironment }, { findConfig, loadConfig }, { ensureTrusted }, { ConfigError }] = await Promise.all([
    import('../config/environment.ts'),
    import('../config/load.ts'),
    import('../config/trust.ts'),
    import('../config/errors.ts'),
  ])
  const folder = process.cwd()
  const environment = readEnvironment()
  const found = options.config ?? findConfig(folder)
  const configPath = await realpath(found).catch((cause: unknown) => {
    throw new ConfigError(`there is no file ${found}, which --config names`, [], { cause })
  })
  const named = options.config === undefined ? '' : ` --config ${relative(folder, configPath)}`
  await ensureTrusted({
    path: configPath,
    stateDirectory: environment.stateDirectory,
    trust: options.trust === true,
    ask: io.ask,
    command: `recourse ${command}${named} --trust`,
  })
  const config = await loadConfig(configPath)
  return { folder, configPath, config, environment, stateDir: toStateDir(environment, configPath) }
}

/**
 * Outside the project: a `git clean` there must not take the claims along. Runs of two projects may share an id, so each
 * has a folder of its own, unless somebody names one. A short name: unix sockets below it have at most 107 characters.
 */
function toStateDir(environment: Environment, configPath: string): string {
  if (environment.lookup('RECOURSE_HOME') !== null) return environment.stateDirectory
  const project = createHash('sha256').update(dirname(configPath)).digest('hex').slice(0, 12)
  return join(environment.stateDirectory, project)
}
