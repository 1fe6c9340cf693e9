import Fastify, { type FastifyInstance } from 'fastify'
import { DatabaseSync } from 'node:sqlite'
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'

/**
 * What the example services have in common: they are ordinary HTTP services in a process of their own, they know nothing
 * of Recourse, and they keep their state in one SQLite file, so that a restart keeps it.
 */

export interface RunningServices {
  /** Origin by service name, e.g. `http://127.0.0.1:4010`. */
  readonly urls: Readonly<Record<string, string>>
  close(): Promise<void>
}

export interface ServiceOptions {
  /** Path of the SQLite file; created and seeded where it is missing. */
  readonly db: string
  /** Port by service name; missing or 0: any free one. */
  readonly ports?: Readonly<Record<string, number>>
  /** Milliseconds between doing a write and answering it: a slow service. Default: 0. */
  readonly answerAfterMs?: number
}

/** Adds a service's routes to its app. */
export type Service = (app: FastifyInstance, db: DatabaseSync) => void

/** A request as it arrived at a service. */
export interface LoggedRequest {
  readonly service: string
  readonly method: string
  readonly path: string
  /** ISO 8601. */
  readonly time: string
  readonly status: number
  /** JSON text, or null. */
  readonly body: string | null
}

const LOG_TABLE = `CREATE TABLE IF NOT EXISTS request_log (
  id INTEGER PRIMARY KEY, service TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, time TEXT NOT NULL,
  status INTEGER NOT NULL, body TEXT
) STRICT`

/** Starts each service on a port of its own. `seed` creates the tables and fills them where they are empty. */
export async function serve(
  services: Readonly<Record<string, Service>>,
  seed: (db: DatabaseSync) => void,
  { db: file, ports = {}, answerAfterMs = 0 }: ServiceOptions,
): Promise<RunningServices> {
  const db = new DatabaseSync(file, { timeout: 5000 })
  db.exec(`PRAGMA journal_mode = WAL; ${LOG_TABLE}`)
  seed(db)
  const apps: FastifyInstance[] = []
  const close = async () => {
    await Promise.all(apps.map((app) => app.close()))
    if (db.isOpen) db.close()
  }
  const urls: Record<string, string> = {}
  try {
    for (const [name, service] of Object.entries(services)) {
      const app = createApp(name, db, answerAfterMs)
      apps.push(app)
      service(app, db)
      urls[name] = await app.listen({ host: '127.0.0.1', port: ports[name] ?? 0 })
    }
  } catch (error) {
    await close()
    throw error
  }
  return { urls, close }
}

function createApp(name: string, db: DatabaseSync, answerAfterMs: number): FastifyInstance {
  // Unknown fields are an error, not silently dropped: a client learns of its mistake.
  const app = Fastify({
    forceCloseConnections: true,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  })
  const log = db.prepare(
    'INSERT INTO request_log (service, method, path, time, status, body) VALUES (?, ?, ?, ?, ?, ?)',
  )
  // Before the answer leaves, so that whoever has the answer finds the entry.
  app.addHook('onSend', async (request, reply) => {
    const body = request.body === undefined ? null : JSON.stringify(request.body)
    log.run(name, request.method, request.url, new Date().toISOString(), reply.statusCode, body)
    if (answerAfterMs > 0 && request.method !== 'GET') await delay(answerAfterMs)
  })
  app.setErrorHandler<Error & { statusCode?: number }>((error, _, reply) => {
    const status = error.statusCode ?? 500
    return reply.code(status).send({ error: status < 500 ? error.message : `the ${name} service failed` })
  })
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `there is no ${request.method} ${request.url} at the ${name} service` }),
  )
  return app
}

/** Requests in the order of arrival, read from the file itself. */
export function readRequests(db: DatabaseSync, service?: string): LoggedRequest[] {
  const rows = db.prepare('SELECT service, method, path, time, status, body FROM request_log ORDER BY id').all()
  return (rows as unknown as LoggedRequest[]).filter((row) => service === undefined || row.service === service)
}

/** Runs `read` on a services' file, without going through the services. */
export function readStore<T>(file: string, read: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  try {
    return read(db)
  } finally {
    db.close()
  }
}

/**
 * Runs services as a program: `--db FILE --port N --answer-after MS` (port 0: any free ports; else N, N+1, … in the order of the services).
 * Prints one line of JSON when all listen; closes on SIGTERM and SIGINT. Does nothing where `url` is only imported.
 */
export async function runAsProgram(
  url: string,
  names: readonly string[],
  start: (options: ServiceOptions) => Promise<RunningServices>,
): Promise<void> {
  const main = process.argv[1]
  if (main === undefined || realpathSync(main) !== fileURLToPath(url)) return
  const { values } = parseArgs({
    options: {
      db: { type: 'string' },
      port: { type: 'string', default: '0' },
      'answer-after': { type: 'string', default: '0' },
    },
  })
  const port = Number(values.port)
  const answerAfterMs = Number(values['answer-after'])
  if (
    values.db === undefined ||
    !Number.isInteger(port) ||
    port < 0 ||
    port + names.length > 65_536 ||
    !(answerAfterMs >= 0)
  ) {
    process.stderr.write(`usage: node services.ts --db FILE [--port N] [--answer-after MS]\n`)
    process.exitCode = 2
    return
  }
  const ports = Object.fromEntries(names.map((name, index) => [name, port === 0 ? 0 : port + index]))
  const running = await start({ db: values.db, ports, answerAfterMs })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void running.close())
  process.stdout.write(`${JSON.stringify({ ready: true, services: running.urls })}\n`)
}
