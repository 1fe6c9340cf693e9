import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Language } from '../run/plan.ts'
import { UsageError } from './errors.ts'

/** @throws UsageError naming the option and the file. */
export async function readInput(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const why =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : String(error)
    throw new UsageError(`${option}: ${file} cannot be read: ${why}`, { cause: error })
  }
}

/** JSON of a file. @throws UsageError */
export async function readJsonFile(option: string, file: string): Promise<unknown> {
  return parseJsonOption(`${option}: ${file}`, await readInput(option, file))
}

/** JSON as it stands on the command line, or `@file`. @throws UsageError */
export async function readJsonOption(option: string, text: string): Promise<unknown> {
  return text.startsWith('@') ? readJsonFile(option, text.slice(1)) : parseJsonOption(option, text)
}

function parseJsonOption(what: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${what} is not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

const LANGUAGES: Readonly<Record<string, Language>> = {
  '.py': 'python',
  '.js': 'javascript',
  '.mjs': 'javascript',
  '.cjs': 'javascript',
}

/** @throws UsageError for an extension that names no language. */
export function toLanguage(file: string): Language {
  const language = LANGUAGES[extname(file).toLowerCase()]
  if (language) return language
  throw new UsageError(`--code: the language of ${file} is not known by its extension; say it with --language`)
}
