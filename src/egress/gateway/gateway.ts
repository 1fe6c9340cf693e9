import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SessionSpec } from '../../run/ports.ts'
import { BODY_LIMIT, handle } from './handle.ts'
import type { HandlePorts } from './handle.ts'
import { takePreamble } from './preamble.ts'
import { denied } from './problems.ts'
import { recordDenial } from './session.ts'
import type { DeniedRequest, Session } from './session.ts'

/**
 * The only way out of a sandbox: a unix socket per attempt, on which the forwarder inside speaks one line of preamble and
 * then plain HTTP/1.1.
 *
 *     open ─▶ [connection ▸ preamble ▸ requests…]* ─▶ close: 403 for what is under way, then nothing any more
 *
 * 1. The socket alone says which run, step and attempt it is.
 * 2. A request reaches a connector of the session or nothing.
 * 3. A declared read is sent from here; everything else becomes an effect of the run, and is sent by `perform` alone.
 */
export interface Gateway {
  /** Opens a session and answers the path of its socket. An earlier one of the same step is closed. */
  open(spec: SessionSpec): Promise<{ socket: string }>
  /** Ends the session of a step and answers what it was denied. Idempotent. */
  close(run: string, step: string): Promise<{ denied: DeniedRequest[] }>
  /** Ends them all. */
  stop(): Promise<void>
}

export interface GatewayPorts extends HandlePorts {
  /** Sockets are made in its folder `sessions`. */
  readonly stateDir: string
}

/** Longest path of a unix socket, bytes (108 with its final zero). */
const SOCKET_PATH_LIMIT = 107
/** Milliseconds that answers under way have to reach the sandbox when a session is closed. */
const LAST_WORDS_MS = 500
/** Closed sessions whose denials are remembered, should closing be asked for again. */
const REMEMBERED = 1000

export function createGateway(ports: GatewayPorts): Gateway {
  const folder = join(ports.stateDir, 'sessions')
  const sessions = new Map<string, Session>()
  const bySocket = new WeakMap<Socket, Session>()
  const remembered = new Map<string, DeniedRequest[]>()
  let prepared: Promise<void> | null = null

  // Never listens: connections are handed to it once their preamble is off.
  const http = createHttpServer({ requireHostHeader: false, keepAliveTimeout: 600_000, maxHeaderSize: 32 * 1024 })
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const session = bySocket.get(request.socket)
    if (!session) return void request.socket.destroy()
    const answered = Promise.withResolvers<void>()
    session.pending.add(answered.promise)
    response.once('close', () => {
      session.pending.delete(answered.promise)
      answered.resolve()
    })
    handle(ports, session, request, response).catch(() => request.socket.destroy())
  }
  http.on('request', serve)
  http.on('checkContinue', (request, response) => {
    // The answer is the same; its sender just need not send what would be refused.
    if (Number(request.headers['content-length'] ?? 0) <= BODY_LIMIT) response.writeContinue()
    serve(request, response)
  })
  http.on('connect', (request, socket) => {
    const session = bySocket.get(request.socket)
    const reason = 'CONNECT is not passed on; call the service by its name'
    if (session) recordDenial(session, { connector: 'unknown', method: 'CONNECT', target: request.url ?? '', reason })
    const body = JSON.stringify(denied(reason))
    socket.end(
      `HTTP/1.1 403 Forbidden\r\ncontent-type: application/problem+json\r\nx-recourse: policy\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  })

  const accept = async (session: Session, socket: Socket) => {
    session.sockets.add(socket)
    socket.on('close', () => session.sockets.delete(socket))
    // Without it, a sandbox that is killed in the middle would end the process.
    socket.on('error', () => socket.destroy())
    const preamble = await takePreamble(socket)
    if (preamble === null || socket.destroyed) return void socket.destroy()
    bySocket.set(socket, session)
    http.emit('connection', socket)
    socket.resume()
  }

  const end = async (session: Session) => {
    session.closed.abort()
    session.server.close()
    await Promise.race([Promise.allSettled(session.pending), delay(LAST_WORDS_MS, undefined, { ref: false })])
    for (const socket of session.sockets) socket.destroy()
    await rm(session.path, { force: true })
  }

  const close = async (run: string, step: string) => {
    const key = keyOf(run, step)
    const session = sessions.get(key)
    if (!session) return { denied: remembered.get(key) ?? [] }
    sessions.delete(key)
    remembered.delete(key)
    remembered.set(key, session.denied)
    const [oldest] = remembered.keys()
    if (remembered.size > REMEMBERED && oldest !== undefined) remembered.delete(oldest)
    await end(session)
    return { denied: session.denied }
  }

  return {
    close,
    async open(spec) {
      await (prepared ??= prepare(folder))
      await close(spec.run, spec.step)
      const path = join(folder, `${randomBytes(8).toString('hex')}.sock`)
      if (Buffer.byteLength(path) > SOCKET_PATH_LIMIT) {
        throw new Error(
          `the socket path ${path} is longer than ${SOCKET_PATH_LIMIT} bytes; choose a shorter state directory`,
        )
      }
      const server = createServer({ allowHalfOpen: true })
      const session: Session = {
        spec,
        path,
        server,
        sockets: new Set(),
        pending: new Set(),
        closed: new AbortController(),
        denied: [],
        effects: 0,
      }
      server.maxConnections = 256
      server.on('connection', (socket) => void accept(session, socket))
      server.listen(path)
      await once(server, 'listening')
      // The sandbox has a uid of its own; the folder keeps everybody else out.
      await chmod(path, 0o666)
      sessions.set(keyOf(spec.run, spec.step), session)
      return { socket: path }
    },
    async stop() {
      const open = [...sessions.values()]
      sessions.clear()
      await Promise.all(open.map(end))
    },
  }
}

const keyOf = (run: string, step: string): string => JSON.stringify([run, step])

/** Makes the folder and removes sockets that a killed process left: nobody listens on them. */
async function prepare(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sock'))
  await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      if (!(await isListening(path))) await rm(path, { force: true })
    }),
  )
}

async function isListening(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path)
    const done = (listening: boolean) => {
      socket.destroy()
      resolve(listening)
    }
    socket.once('connect', () => done(true)).once('error', () => done(false))
  })
}
