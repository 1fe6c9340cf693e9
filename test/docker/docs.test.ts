import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { readLateForMeeting, toComparable } from '../../examples/late-for-meeting/store.ts'
import { readEnvironment } from '../../src/config/environment.ts'
import { choosePort } from '../../src/setup/ports.ts'
import { findTemporal } from '../../src/setup/temporal-binary.ts'
import { startProgram } from '../unit/examples/program.ts'
import { type Block, type Document, documentAt, documents, root } from '../support/documents.ts'
import { openShell, type Shell } from '../support/shell.ts'

/**
 * The documents, followed: every line of every `sh` block is run in the order of the document, in a copy of the repository,
 * as a person would; every `ts` block is loaded or run at its place. What they promise is read from the services' store.
 */

/** Run by CI itself before these tests, or while they run. */
const COVERED_BY_CI = ['npm ci', 'npm test']
/** All three benchmarks take minutes; the document's other commands run one of them through the same program. */
const TOO_LONG = ['npm run bench']

const Scripts = z.object({ scripts: z.record(z.string(), z.string()) })
const { scripts } = Scripts.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
const run = promisify(execFile)

let copy: string
let folder: string
let ports: Readonly<Record<string, string>>

beforeAll(async () => {
  // Short: the path of a unix socket has room for 107 bytes.
  folder = mkdtempSync(join(tmpdir(), 'rc-docs-'))
  copy = join(folder, 'recourse')
  mkdirSync(copy)
  for (const name of readdirSync(root)) {
    if (name === 'examples') cpSync(join(root, name), join(copy, name), { recursive: true })
    else if (!name.startsWith('.')) symlinkSync(join(root, name), join(copy, name))
  }
  const [late, desk, model] = [await choosePair(), await choosePair(), await choosePort()]
  ports = { 4010: `${late}`, 4011: `${late + 1}`, 4020: `${model}`, 4030: `${desk}`, 4031: `${desk + 1}` }
})
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))

test('every block that can be run is in a document that is followed below', () => {
  const runnable = documents.filter(({ blocks }) => blocks.some(({ language }) => language !== 'text'))
  expect(runnable.map(({ path }) => path)).toEqual([
    'BENCHMARKS.md',
    'README.md',
    'examples/late-for-meeting/README.md',
    'examples/support-desk/README.md',
  ])
})

test('README.md', { timeout: 300_000 }, async () => {
  const document = documentAt('README.md')
  await using reader = await read(document, copy)
  const [sample] = document.blocks.filter(({ language }) => language === 'text')
  for (const block of document.blocks) {
    if (block.language === 'ts') await reader.typescript(block)
    if (block.language === 'sh') {
      const printed = await reader.shell(block)
      if (block.lines.some((line) => line.includes('npm run demo')) && !block.lines[0]?.includes('--keep')) {
        expectSample(printed, sample?.lines ?? [])
      }
      if (block.lines.some((line) => line.includes('--keep'))) await followWhatIsKept(printed, reader.sh)
    }
  }
  expect(reader.printedBy('backend.ts')).toMatch(/undone exact\s*$/)
  // One message, of the run that was confirmed; and the meeting where it was.
  const { messages, events, requests } = readLateForMeeting(join(folder, 'late.db'))
  expect(messages).toHaveLength(1)
  const moved = requests.filter(({ method }) => method === 'PATCH')
  expect(moved.length).toBeGreaterThanOrEqual(4)
  expect(toComparable(events)).toEqual(toComparable(await freshEvents()))
})

describe('examples', () => {
  test('late-for-meeting/README.md', async () => {
    const document = documentAt('examples/late-for-meeting/README.md')
    await using reader = await read(document, join(copy, 'examples/late-for-meeting'))
    for (const block of document.blocks) await reader.shell(block)
    const { output } = await reader.sh.run(
      'curl -s --retry 20 --retry-connrefused --retry-delay 1 "$CALENDAR_URL/events"',
    )
    expect(output).toContain('meeting')
  })

  test('support-desk/README.md', async () => {
    const document = documentAt('examples/support-desk/README.md')
    await using reader = await read(document, join(copy, 'examples/support-desk'))
    for (const block of document.blocks) await reader.shell(block)
  })
})

test('BENCHMARKS.md', async () => {
  const document = documentAt('BENCHMARKS.md')
  await using reader = await read(document, copy)
  for (const block of document.blocks) {
    const printed = await reader.shell(block)
    if (block.lines.some((line) => line.includes('--json'))) {
      const figures = z.array(z.object({ ratio: z.number(), samples: z.literal(3) }))
      expect(figures.parse(JSON.parse(printed.slice(printed.lastIndexOf('\n[') + 1)))).toHaveLength(1)
    }
  }
})

interface Reader extends AsyncDisposable {
  readonly sh: Shell
  /** Runs the lines of a block; answers all that they printed. */
  shell(block: Block): Promise<string>
  /** Loads a config, runs anything else. */
  typescript(block: Block): Promise<void>
  printedBy(file: string): string
}

async function read(document: Document, cwd: string): Promise<Reader> {
  const bin = mkdtempSync(join(folder, 'bin-'))
  const home = mkdtempSync(join(folder, 'h-'))
  const { PATH = '', HOME = '' } = process.env
  const sh = openShell({
    cwd,
    env: { PATH: `${bin}:${join(root, 'node_modules/.bin')}:${PATH}`, HOME, RECOURSE_HOME: home },
  })
  if (document.path.startsWith('examples/')) await sh.run(`alias recourse="node ${copy}/dist/cli/main.js"`)
  const printed = new Map<string, string>()
  const left: string[] = []
  return {
    sh,
    shell: async (block) => {
      let all = ''
      for (const line of block.lines) {
        const { commands, exit, prints } = toCommands(line)
        for (const command of commands) {
          const result = await sh.run(command)
          left.push(...toLeft(result.output))
          expect(result.exit, `${document.path}: ${command}\n${result.output}`).toBe(exit)
          if (prints !== null) expect(result.output, command).toContain(prints)
          if (command.startsWith('recourse up')) await provideTemporal(sh, bin)
          all += `${result.output}\n`
        }
      }
      return all
    },
    typescript: async (block) => {
      const text = block.lines.join('\n')
      const isConfig = text.includes('export default defineConfig')
      const file = isConfig ? 'recourse.config.ts' : 'backend.ts'
      const place = mkdtempSync(join(copy, 'examples/snippet-'))
      const { address } = isConfig ? { address: '' } : await readState(sh)
      await writeFile(join(place, file), text.replace('127.0.0.1:7233', address))
      await check(place)
      const program = isConfig
        ? `import(${JSON.stringify(join(root, 'dist/config/load.js'))}).then(({ loadConfig }) => loadConfig('./${file}'))`
        : `import('./${file}')`
      await writeFile(join(place, 'run.mjs'), `await ${program}\n`)
      const { exit, output } = await sh.run(`(cd ${place} && node run.mjs)`)
      expect(exit, `${document.path}: ${file}\n${output}`).toBe(0)
      printed.set(file, output)
    },
    printedBy: (file) => printed.get(file) ?? '',
    [Symbol.asyncDispose]: async () => {
      for (const each of left) await sh.run(each)
      // What a failed test left up.
      await sh.run(
        `for state in $(find ${copy}/examples -path '*/.recourse/state.json'); do (cd "$(dirname "$state")/.." && node ${copy}/dist/cli/main.js down); done`,
      )
      await sh[Symbol.asyncDispose]()
    },
  }
}

/** A line of a block, ready to be run here: `# exit 3` and `# prints "…"` after it say what must come of it. */
function toCommands(line: string): { commands: string[]; exit: number; prints: string | null } {
  const [text = '', comment = ''] = line.split(/\s+#\s/)
  const command = text
    .replaceAll(/\b40[123][01]\b/g, (port) => ports[port] ?? port)
    .replaceAll('/tmp/', `${folder}/`)
    .trim()
  // Only a command that has nothing else in it is a list of commands that have to be told apart.
  const parts = /^npm [\w ]+ && npm /.test(command) ? command.split(' && ') : [command]
  return {
    commands: parts
      .filter((part) => part !== '' && !COVERED_BY_CI.includes(part) && !TOO_LONG.includes(part))
      .map(toProgram),
    exit: Number(/^exit (\d+)/.exec(comment)?.[1] ?? 0),
    prints: /^prints "(.*)"$/.exec(comment)?.[1] ?? null,
  }
}

/** What an npm script runs, without the build that the tests have behind them. */
function toProgram(command: string): string {
  const [, name = '', options = ''] = /^npm run ([\w-]+)(?: -- (.*))?$/.exec(command) ?? []
  if (name === '') return command
  const program = scripts[name]?.replace('npm run -s build && ', '')
  if (program === undefined || program.includes('&&')) throw new Error(`how is the script ${name} run? ${program}`)
  // npm finds the project from any folder in it.
  return `(cd ${copy} && ${program} ${options})`
}

const State = z.object({ temporal: z.object({ address: z.string() }) })

async function readState(sh: Shell): Promise<{ address: string }> {
  const { output } = await sh.run('cat .recourse/state.json')
  return State.parse(JSON.parse(output)).temporal
}

/** `temporal` on PATH, as a person has it, for the server that `up` started. */
async function provideTemporal(sh: Shell, bin: string): Promise<void> {
  const found = await findTemporal(readEnvironment().cacheDirectory)
  const { address } = await readState(sh)
  const path = join(bin, 'temporal')
  await writeFile(path, `#!/bin/sh\nTEMPORAL_ADDRESS=${address} exec ${found?.command} "$@"\n`)
  await chmod(path, 0o755)
}

async function check(place: string): Promise<void> {
  const options = { noEmit: true, paths: {}, types: ['node'], typeRoots: [join(root, 'node_modules/@types')] }
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions: options, include: ['*.ts'] }
  await writeFile(join(place, 'tsconfig.json'), JSON.stringify(config))
  await run(join(root, 'node_modules/.bin/tsc'), ['-p', place]).catch((error: { stdout: string }) => {
    throw new Error(error.stdout)
  })
}

/** Each line of the sample appears in what was printed, in that order; times, dates and spaces are of that one run. */
function expectSample(printed: string, sample: readonly string[]): void {
  const plain = (line: string) =>
    line
      .replaceAll(/\d{4}-\d{2}-\d{2}T/g, '<day>T')
      .replaceAll(/\d+\.\d s$/g, '<time>')
      .replaceAll(/\s+/g, ' ')
      .trim()
  const lines = printed.split('\n').map(plain)
  let from = 0
  for (const line of sample.map(plain)) {
    if (line === '' || line === '…') continue
    const found = lines.indexOf(line, from)
    expect(found, `the demo printed no "${line}" after line ${from}:\n${printed}`).toBeGreaterThanOrEqual(from)
    from = found + 1
  }
}

/** Does what the demo says one can do with what it left up. */
async function followWhatIsKept(printed: string, sh: Shell): Promise<void> {
  const [, undo = ''] = /^ {2}(\S+ workflow signal .* --name undo)$/m.exec(printed) ?? []
  const [, id = ''] = /--workflow-id (\S+)/.exec(undo) ?? []
  const address = / --address (\S+)/.exec(undo)?.[1] ?? '127.0.0.1:7233'
  expect(await sh.run(undo)).toMatchObject({ exit: 0 })
  const { createClient } = await import('../../src/client/index.ts')
  const client = createClient({ address })
  const settled = await client.run(id).wait({ until: ['settled'], timeoutMs: 60_000 })
  await client.close()
  expect(settled).toMatchObject({ phase: 'undone', undo: { verdict: 'exact' } })
}

/** The command with which the demo says that what it left up is ended, then what waits for that end and clears up. */
function toLeft(printed: string): string[] {
  const [, pids = ''] = /^ {2}kill ([\d ]+)$/m.exec(printed) ?? []
  const [, state = ''] = /state in (\S+)\. End it with/.exec(printed) ?? []
  if (pids === '' || state === '') return []
  const gone = pids.split(' ').map((pid) => `tail --pid=${pid} -f /dev/null`)
  return [`kill ${pids}`, ...gone, `rm -rf ${state}`]
}

async function freshEvents(): Promise<ReturnType<typeof readLateForMeeting>['events']> {
  const db = join(folder, 'fresh.db')
  const services = await startProgram('late-for-meeting', ['--db', db, '--port', String(await choosePair())])
  await services.stop('SIGTERM')
  return readLateForMeeting(db).events
}

async function choosePair(): Promise<number> {
  for (;;) {
    const port = await choosePort()
    if (port < 65_535 && (await choosePort(port + 1)) === port + 1) return port
  }
}
