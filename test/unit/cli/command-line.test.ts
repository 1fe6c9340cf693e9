import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'recourse-cli-')))
})
afterAll(() => rm(folder, { recursive: true }))

/** The real thing, in a folder of its own, with nothing of this machine's settings. */
function recourse(...args: string[]): Promise<{ exit: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'], HOME: folder, RECOURSE_HOME: join(folder, 'home') }
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ exit: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

const COMMANDS = [
  ...['up', 'down', 'run', 'runs', 'show', 'report', 'diff', 'confirm', 'approve', 'reject', 'undo', 'cancel'],
  ...['doctor', 'coverage', 'model-server', 'worker'],
]

describe('usage', () => {
  it('lists every command, and every command explains itself and takes --json', async () => {
    const { exit, stdout } = await recourse('--help')
    expect(exit).toBe(0)
    expect(stdout).toContain(
      'Exit codes: 0 settled well, 1 failed, 2 usage, 3 undone, 4 waiting for a decision, 5 needs',
    )
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
    const help = await Promise.all(COMMANDS.slice(0, 3).map((command) => recourse(command, '--help')))
    for (const each of help) expect(each).toMatchObject({ exit: 0, stdout: expect.stringContaining('--json') })
  })

  it.concurrent.each<[string[], string]>([
    [['nope'], "error: unknown command 'nope'\n(see: recourse --help)\n"],
    [['rns'], "error: unknown command 'rns'\n(Did you mean runs?)\n(see: recourse --help)\n"],
    [['runs', '--nope'], "error: unknown option '--nope'\n(see: recourse runs --help)\n"],
    [['show'], "error: missing required argument 'id'\n(see: recourse show --help)\n"],
    [
      ['show', 'a', 'b'],
      "error: too many arguments for 'show'. Expected 1 argument but got 2: a, b.\n(see: recourse show --help)\n",
    ],
    [
      ['runs', '--limit', '0'],
      "error: option '--limit <number>' argument '0' is invalid. It must be a whole number from 1 to 1000.\n(see: recourse runs --help)\n",
    ],
    [['model-server'], "error: required option '--script <file>' not specified\n(see: recourse model-server --help)\n"],
    [
      ['run'],
      'error: the run cannot be started:\n  request: missing; say what is to be done, or hand in a plan or code\n',
    ],
    [['run', ''], 'error: the run cannot be started:\n  request: it is empty; say what is to be done\n'],
    [
      ['run', 'x', '--id', '../x'],
      'error: "../x" cannot be the id of a run: it must start with a letter or digit, and hold letters, digits and . _ : @ - only\n',
    ],
    [['run', 'x', '--input', '{'], /^error: --input is not JSON: /.source],
    [['run', 'x', '--input', '@gone.json'], 'error: --input: gone.json cannot be read: there is no such file\n'],
    [['run', '--plan', 'gone.json'], 'error: --plan: gone.json cannot be read: there is no such file\n'],
    [['run', '--code', 'gone.py'], 'error: --code: gone.py cannot be read: there is no such file\n'],
    [['coverage'], "error: missing required argument 'openapi'\n(see: recourse coverage --help)\n"],
    [['coverage', 'gone.json'], 'error: gone.json cannot be read: there is no such file\n'],
    [['run', 'x', '--announce', '[]'], 'error: --announce only means something with --code\n'],
  ])('%j', async (args, message) => {
    const { exit, stdout, stderr } = await recourse(...args)
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
    if (message.startsWith('^')) expect(stderr).toMatch(new RegExp(message))
    else expect(stderr).toBe(message)
  })

  it('refuses code in a language it cannot tell, and a plan that is none', async () => {
    await writeFile(join(folder, 'code.txt'), 'print(1)')
    await writeFile(join(folder, 'plan.json'), '{"steps": []}')
    expect(await recourse('run', '--code', 'code.txt')).toMatchObject({
      exit: 2,
      stderr: 'error: --code: the language of code.txt is not known by its extension; say it with --language\n',
    })
    expect(await recourse('run', '--plan', 'plan.json')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('the run cannot be started:\n  plan.steps: '),
    })
  })

  it.concurrent.each([[['nope', '--json']], [['runs', '--phase', 'x', '--json']], [['run', '', '--json']]])(
    'with --json even an error is JSON and nothing else: %j',
    async (args) => {
      const { exit, stdout, stderr } = await recourse(...args)
      expect({ exit, stderr }).toEqual({ exit: 2, stderr: '' })
      expect(JSON.parse(stdout)).toEqual({ error: { code: expect.any(String), message: expect.any(String) } })
    },
  )
})

describe('coverage', () => {
  const DOCUMENT = '{"openapi":"3.1.0","info":{"title":"A"},"paths":{"/a":{"get":{},"post":{}}}}'
  const REASON =
    'the document does not show what POST /a changes, or what takes it back; declare "undo" for it, or "read" where it changes nothing'

  it('needs a document, and nothing else', async () => {
    await writeFile(join(folder, 'a.json'), DOCUMENT)
    expect(await recourse('coverage', 'a.json')).toEqual({
      exit: 0,
      stdout: `GET /a   read  the document describes it as GET
POST /a  none  ${REASON}

1 read, 1 route that changes something: exact 0 (0 %), inverse 0 (0 %), generated 0 (0 %), none 1 (100 %)\n`,
      stderr: '',
    })
    const { stdout } = await recourse('coverage', '--json', 'a.json')
    expect(JSON.parse(stdout)).toEqual({
      document: 'a.json',
      title: 'A',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      routes: [
        { route: 'GET /a', undo: 'read', reason: 'the document describes it as GET' },
        { route: 'POST /a', undo: 'none', reason: REASON },
      ],
      reads: 1,
      writes: 1,
      counts: { exact: 0, inverse: 0, generated: 0, none: 1 },
      percent: { exact: 0, inverse: 0, generated: 0, none: 100 },
    })
  })

  it('names what is wrong with a document', async () => {
    await writeFile(join(folder, 'a.yaml'), 'openapi: 3.1.0\npaths: {/a: {$ref: other.yaml}}\n')
    expect(await recourse('coverage', 'a.yaml')).toEqual({
      exit: 2,
      stdout: '',
      stderr: `error: a.yaml has references that cannot be used:
  #/paths/~1a refers to "other.yaml": only references within the file (#/…) are followed; bundle the document into one file\n`,
    })
    const { exit, stdout } = await recourse('coverage', '--json', 'a.yaml')
    expect([exit, JSON.parse(stdout)]).toMatchObject([2, { error: { code: 'INVALID_OPENAPI' } }])
  })
})

describe('a config', () => {
  const CONFIG = `export default { models: { default: { baseURL: 'http://127.0.0.1:1/v1',
    apiKey: { kind: 'secret', name: 'NOT_SET' }, model: 'm' } }, agents: { a: {} } }\n`

  it('is asked for where there is none', async () => {
    const { exit, stderr } = await recourse('up')
    expect(exit).toBe(1)
    expect(stderr).toContain(`error: there is no config in ${folder}; create recourse.config.ts, beginning with:`)
  })

  it('is not run before it is trusted, and says what it lacks before anything is started', async () => {
    const path = join(folder, 'recourse.config.mjs')
    await writeFile(path, `console.error('it ran')\n${CONFIG}`)
    const refused = await recourse('up')
    expect(refused).toMatchObject({
      exit: 1,
      stderr: `error: ${path} was never run by you, and a config is code that runs with your rights; read it, then trust it once with: recourse up --trust\n`,
    })
    const missing = `error: the models cannot be used:
  models.default.apiKey: secret('NOT_SET') has no value; set the environment variable NOT_SET where the worker starts\n`
    expect(await recourse('up', '--trust')).toMatchObject({ exit: 1, stderr: `it ran\n${missing}` })
    // Once is enough.
    expect(await recourse('up')).toMatchObject({ exit: 1, stderr: `it ran\n${missing}` })
  })
})

describe('nothing started', () => {
  it('down has nothing to end', async () => {
    expect(await recourse('down')).toEqual({ exit: 0, stdout: 'nothing was started here\n', stderr: '' })
    expect(JSON.parse((await recourse('down', '--json')).stdout)).toEqual({ stopped: [] })
  })

  it('a Temporal that does not answer is one message', async () => {
    expect(await recourse('runs', '--address', '127.0.0.1:1')).toEqual({
      exit: 1,
      stdout: '',
      stderr:
        'error: Temporal at 127.0.0.1:1 does not answer; start it with: recourse up, or name another with --address or TEMPORAL_ADDRESS\n',
    })
  }, 20_000)

  it('a state file that is broken is named', async () => {
    await mkdir(join(folder, '.recourse'))
    await writeFile(join(folder, '.recourse', 'state.json'), '{')
    expect(await recourse('runs')).toMatchObject({
      exit: 1,
      stderr: `error: ${join(folder, '.recourse', 'state.json')} cannot be understood; delete it and run \`recourse up\` again\n`,
    })
  })
})
