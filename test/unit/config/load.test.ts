import { execFile } from 'node:child_process'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findConfig } from '../../../src/config/load.ts'

const LOAD = fileURLToPath(new URL('../../../src/config/load.ts', import.meta.url))
const run = promisify(execFile)

let folder: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'recourse-load-')))
})
afterEach(() => rm(folder, { recursive: true }))

const put = async (name: string, text: string) => {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

/** Loads in a Node of its own: the test runner would transform what Node has to read as it is. */
async function load(path: string): Promise<{ config: unknown } | { error: string }> {
  const script = `import { loadConfig } from ${JSON.stringify(LOAD)}
    try { console.log(JSON.stringify({ config: await loadConfig(process.argv[1]) })) }
    catch (error) { console.log(JSON.stringify({ error: error.message })) }`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, path])
  return JSON.parse(stdout) as { config: unknown } | { error: string }
}

const CONFIG = `{ models: { default: { baseURL: 'http://127.0.0.1:1/v1', apiKey: 'none', model: 'm' } }, agents: { a: {} } }`

describe('findConfig', () => {
  it('finds the one there is', async () => {
    await put('recourse.config.mjs', '')
    expect(findConfig(folder)).toBe(join(folder, 'recourse.config.mjs'))
  })

  it('says what to create where there is none', () => {
    expect(() => findConfig(folder)).toThrow(
      new RegExp(`^there is no config in ${folder}; create recourse\\.config\\.ts, beginning with:`),
    )
  })

  it('refuses to choose between two', async () => {
    await put('recourse.config.ts', '')
    await put('recourse.config.js', '')
    expect(() => findConfig(folder)).toThrow(
      `${folder} has recourse.config.ts and recourse.config.js; keep one, or name one with --config`,
    )
  })
})

describe('loadConfig', () => {
  it('runs TypeScript as it is', async () => {
    const path = await put('recourse.config.ts', `const config: object = ${CONFIG}\nexport default config\n`)
    expect(await load(path)).toMatchObject({ config: { agents: { a: { mode: 'plan' } } } })
  })

  it.each<[string, string, string, string]>([
    [
      'recourse.config.ts',
      'export default {\n  models: {,\n}\n',
      'PATH:2 cannot be read as code: ',
      'a syntax error, with its line',
    ],
    [
      'recourse.config.mjs',
      'export default {\n  models: {,\n}\n',
      "PATH:2 cannot be read as code: Unexpected token ','",
      'JavaScript',
    ],
    [
      'recourse.config.mjs',
      '\nthrow new TypeError("no")\n',
      'PATH:2 failed when it was run: TypeError: no',
      'an error of its own',
    ],
    ['recourse.config.mjs', 'throw 7\n', 'PATH threw 7 when it was run', 'something thrown'],
    [
      'recourse.config.mjs',
      "import 'not-installed-anywhere'\n",
      "PATH imports something that is not there: Cannot find package 'not-installed-anywhere' imported from PATH; install it: npm install not-installed-anywhere",
      'a missing package',
    ],
    [
      'recourse.config.mjs',
      "import './tools'\n",
      'check the path; relative imports need their file extension',
      'a missing file',
    ],
    [
      'recourse.config.mjs',
      'export const config = 1\n',
      'PATH exports no config; write: export default defineConfig({ … })',
      'no export',
    ],
    ['recourse.config.mjs', 'export default {}\n', 'PATH has 2 problems:\n  models: missing', 'a config that is none'],
  ])('%s: %s', async (name, text, message) => {
    const path = await put(name, text)
    const result = await load(path)
    expect('error' in result && result.error).toContain(message.replaceAll('PATH', path))
  })

  it('says so when the mistake is in a file that the config imports', async () => {
    await put('tools.mjs', 'const = 1')
    const path = await put('recourse.config.mjs', "import './tools.mjs'\n")
    expect(await load(path)).toEqual({
      error: `${path} imports a file that cannot be read as code: Unexpected token '='`,
    })
  })

  it('says what to create where the file is not there', async () => {
    const result = await load(join(folder, 'other.ts'))
    expect('error' in result && result.error).toContain(
      `there is no file ${join(folder, 'other.ts')}; create it, beginning with:`,
    )
  })
})
