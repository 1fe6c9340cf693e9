import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Connection } from '@temporalio/client'
import { cleanups } from './cleanups.ts'
import { runCommand } from './command.ts'
import { choosePort } from './ports.ts'
import { markProcess, stopProcess, type ProcessMark } from './processes.ts'
import { ensureSearchAttributes, searchAttributes } from './search-attributes.ts'

/** Without these the development server lets about ten activities a second through. */
const UNTHROTTLED = [
  'history.transferProcessorMaxPollRPS=5000',
  'history.timerProcessorMaxPollRPS=5000',
  'history.visibilityProcessorMaxPollRPS=5000',
  'system.enableActivityEagerExecution=true',
]

const SERVING_MS = 60_000
const ATTEMPTS = 3

export interface ServerOptions {
  readonly command: string
  readonly namespace: string
  /** Wanted ports on 127.0.0.1; another free one is taken where it is in use. Default: any free ones. */
  readonly ports?: { readonly frontend: number; readonly ui: number }
  /** SQLite file that keeps the runs across restarts. Default: in memory. */
  readonly database?: string
  /** Outlives this process, and logs to this file. Default: ends with this process. */
  readonly detached?: { readonly log: string }
}

export interface StartedServer {
  readonly address: string
  readonly uiUrl: string
  readonly mark: ProcessMark
  stop(): Promise<void>
}

/**
 * Starts a development server and resolves when it serves the namespace.
 * @throws Error with the server's own last words when it ends, or does not serve within a minute.
 */
export async function startServer(options: ServerOptions): Promise<StartedServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options)
    } catch (error) {
      // A port that was free a moment ago may be somebody else's by now, those that it picks for itself included.
      if (!(error instanceof EarlyEnd) || attempt === ATTEMPTS) throw error
    }
  }
}

/** The server ended before it served. */
class EarlyEnd extends Error {}

async function startOnce(options: ServerOptions): Promise<StartedServer> {
  const [frontend, ui] = [await choosePort(options.ports?.frontend), await choosePort(options.ports?.ui)]
  const address = `127.0.0.1:${frontend}`
  const args = [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(frontend)],
    ...['--headless=false', '--ui-port', String(ui), '--log-level', 'error', '--namespace', options.namespace],
    ...UNTHROTTLED.flatMap((setting) => ['--dynamic-config-value', setting]),
    ...searchAttributes.flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...(options.database === undefined ? [] : ['--db-filename', options.database]),
  ]
  if (options.database !== undefined) mkdirSync(dirname(options.database), { recursive: true })

  const { child, lastWords } = await spawnServer(options.command, args, options.detached?.log ?? null)
  const starting = new AbortController()
  child.once('error', (error) => starting.abort(error.message))
  child.once('close', (code, signal) => starting.abort(code === null ? signal : `exit code ${code}`))
  const mark = child.pid === undefined ? null : await markProcess(child.pid)
  const stop = async () => {
    if (mark !== null) await stopProcess(mark)
  }
  const cleanup = cleanups.add(stop)
  try {
    await waitUntilServing(address, options.namespace, starting.signal)
  } catch (error) {
    await cleanup.run()
    await cleanups.unlessEnding()
    if (!starting.signal.aborted) throw error
    const how = String(starting.signal.reason)
    throw new EarlyEnd(`the Temporal server ended (${how}) before it served:\n${await lastWords()}`, { cause: error })
  }
  if (mark === null) throw new Error('the Temporal server has no process id')
  cleanup.release()
  child.unref()

  if (options.detached === undefined) {
    const killNow = () => void child.kill('SIGKILL')
    process.once('exit', killNow)
    child.once('exit', () => process.off('exit', killNow))
  }
  return { address, uiUrl: `http://127.0.0.1:${ui}`, mark, stop }
}

async function spawnServer(command: string, args: readonly string[], log: string | null) {
  if (log !== null) {
    mkdirSync(dirname(log), { recursive: true })
    const file = openSync(log, 'a')
    const child = spawn(command, args, { detached: true, stdio: ['ignore', file, file] })
    closeSync(file)
    return { child, lastWords: async () => (await readFile(log, 'utf8')).slice(-2000) }
  }
  // Ends with us even when we are killed outright, which no handler of ours could see to.
  const withParent = (await runCommand('setpriv', ['--pdeathsig', 'KILL', 'true']))?.exitCode === 0
  const [file, ...rest] = withParent ? ['setpriv', '--pdeathsig', 'KILL', command, ...args] : [command, ...args]
  // A group of its own: Ctrl-C is for us, and we still need the server to end well.
  const child = spawn(file ?? command, rest, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2000)
  })
  const stream = child.stderr as unknown as { unref?: () => void } | null
  stream?.unref?.()
  return { child, lastWords: async () => words }
}

/** Rejects when `signal` aborts: then it is gone, and another server may come to listen at that address. */
async function waitUntilServing(address: string, namespace: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + SERVING_MS
  for (;;) {
    let connection: Connection | null = null
    try {
      connection = await Connection.connect({ address, connectTimeout: 1000 })
      await connection.workflowService.describeNamespace({ namespace })
      await ensureSearchAttributes(connection, namespace)
      signal.throwIfAborted()
      return
    } catch (cause) {
      signal.throwIfAborted()
      if (Date.now() > deadline) {
        throw new Error(`the Temporal server at ${address} did not serve within ${SERVING_MS / 1000} s`, { cause })
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    } finally {
      await connection?.close()
    }
  }
}
