import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ConfigError } from './errors.ts'
import { parseConfig } from './parse.ts'
import type { Config } from './schema.ts'

export const CONFIG_FILES = ['recourse.config.ts', 'recourse.config.mts', 'recourse.config.js', 'recourse.config.mjs']

const EXAMPLE = `  import { defineConfig, env, secret } from '@recourse-run/recourse'

  export default defineConfig({
    models: { default: { baseURL: env('OPENAI_BASE_URL'), apiKey: secret('OPENAI_API_KEY'), model: 'gpt-5' } },
    agents: { assistant: {} },
  })`

/**
 * The absolute path of the config in a folder.
 * @throws ConfigError where there is none, or more than one.
 */
export function findConfig(folder: string): string {
  const found = CONFIG_FILES.filter((name) => existsSync(join(folder, name)))
  const [first, second] = found
  if (first === undefined) {
    throw new ConfigError(
      `there is no config in ${resolve(folder)}; create ${CONFIG_FILES[0]}, beginning with:\n\n${EXAMPLE}\n`,
    )
  }
  if (second !== undefined) {
    throw new ConfigError(`${resolve(folder)} has ${found.join(' and ')}; keep one, or name one with --config`)
  }
  return resolve(folder, first)
}

/**
 * Runs a config file and checks what it exports. It is code: whoever calls this has made sure that it is trusted.
 * @param path Of a config file; absolute, or from the current folder.
 * @throws ConfigError saying where the file cannot be read as code, or everything that is wrong with what it says.
 */
export async function loadConfig(path: string): Promise<Config> {
  const file = resolve(path)
  if (!existsSync(file)) throw new ConfigError(`there is no file ${file}; create it, beginning with:\n\n${EXAMPLE}\n`)
  let module: Record<string, unknown>
  try {
    module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (error) {
    throw await toLoadError(file, error)
  }
  if (!('default' in module)) {
    throw new ConfigError(`${file} exports no config; write: export default defineConfig({ … })`)
  }
  return parseConfig(await module.default, file, dirname(file))
}

async function toLoadError(file: string, error: unknown): Promise<ConfigError> {
  const options = { cause: error }
  if (!(error instanceof Error)) return new ConfigError(`${file} threw ${String(error)} when it was run`, [], options)
  const code = 'code' in error ? error.code : undefined
  if (error instanceof SyntaxError) {
    const place = findPlace(error.stack ?? '') ?? (await findSyntaxError(file))
    const what = place === null ? `${file} imports a file that` : place
    return new ConfigError(`${what} cannot be read as code: ${firstLine(error.message)}`, [], options)
  }
  if (code === 'ERR_MODULE_NOT_FOUND') {
    const name = /Cannot find package '([^']+)'/.exec(error.message)?.[1]
    const next =
      name === undefined
        ? 'check the path; relative imports need their file extension'
        : `install it: npm install ${name}`
    return new ConfigError(
      `${file} imports something that is not there: ${firstLine(error.message)}; ${next}`,
      [],
      options,
    )
  }
  const place = findPlace(error.stack ?? '') ?? file
  return new ConfigError(`${place} failed when it was run: ${error.name}: ${firstLine(error.message)}`, [], options)
}

/** The first `file:line` of a stack that is not Node's own. */
function findPlace(stack: string): string | undefined {
  const match = /(?:file:\/\/|(?<=^|[\s(]))(\/[^\s()]*?):(\d+)/m.exec(stack)
  if (!match) return undefined
  const [, path = '', line] = match
  return `${fileURLToPath(`file://${path}`)}:${line}`
}

/** Node tells the place of a syntax error in JavaScript only when it prints it. null: it is not in this file. */
async function findSyntaxError(file: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', file], (error, _stdout, stderr) =>
      resolve(error === null ? null : (findPlace(stderr) ?? file)),
    )
  })
}

const firstLine = (text: string): string =>
  text
    .split('\n')
    .find((line) => line.trim() !== '')
    ?.trim() ?? text
