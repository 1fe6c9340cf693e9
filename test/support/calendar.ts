import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers a status to fail with, or `hang up` to break the connection; undefined: as usual. */
export type Hook = (method: string, path: string) => Failure | undefined | Promise<Failure | undefined>
type Failure = number | 'hang up'

/** A small HTTP service with a log of all that arrived: events, invites and messages, kept in memory the test can look into. */
export interface Calendar extends AsyncDisposable {
  readonly url: string
  readonly events: Map<string, Record<string, unknown>>
  readonly invites: Map<string, Record<string, unknown>>
  readonly messages: Record<string, unknown>[]
  /** `METHOD path` of every request that arrived. */
  readonly log: string[]
  /** `METHOD path body` of every request that was carried out and changed something. */
  readonly writes: string[]
  /** Called before a request is carried out. */
  before: Hook | null
  /** Called when it has been carried out, before it is answered. */
  after: Hook | null
  /** Takes the service away: connections are refused. */
  stop(): Promise<void>
  /** Brings it back at the same address, with what it knew. */
  start(): Promise<void>
}

/** What arrived for one path. */
export function arrived(calendar: Calendar, path: string): string[] {
  return calendar.log.filter((line) => line.endsWith(` ${path}`))
}

export async function startCalendar(): Promise<Calendar> {
  const events = new Map<string, Record<string, unknown>>([
    ['1', { id: '1', title: 'Team meeting', start: '10:00', end: '11:00', version: 1 }],
  ])
  const invites = new Map<string, Record<string, unknown>>()
  const messages: Record<string, unknown>[] = []
  const log: string[] = []
  const writes: string[] = []
  const calendar: Pick<Calendar, 'before' | 'after'> = { before: null, after: null }

  const carryOut = (method: string, path: string, text: string): [status: number, body?: unknown] => {
    const [, kind, id] = path.split('/')
    const body = () => JSON.parse(text) as Record<string, unknown>
    if (method !== 'GET') writes.push(`${method} ${path} ${text}`.trim())
    if (kind === 'messages' && method === 'POST') {
      const message = { id: String(messages.length + 1), ...body() }
      messages.push(message)
      return [201, message]
    }
    if (kind === 'invites' && method === 'POST') {
      const made = { id: `i${invites.size + 1}`, ...body() }
      invites.set(made.id, made)
      return [201, made]
    }
    if (kind !== 'events' && kind !== 'invites') return [404, { error: 'nothing here' }]
    const things = kind === 'events' ? events : invites
    if (id === undefined) return [200, [...things.values()]]
    const thing = things.get(id)
    if (method === 'PUT') {
      const next = { ...body(), id, version: Number(thing?.['version'] ?? 0) + 1 }
      things.set(id, next)
      return [thing ? 200 : 201, next]
    }
    if (!thing) return [404, { error: `no ${kind} ${id}` }]
    if (method === 'DELETE') {
      things.delete(id)
      return [204]
    }
    if (method === 'PATCH') {
      const next = { ...thing, ...body(), version: Number(thing['version']) + 1 }
      things.set(id, next)
      return [200, next]
    }
    return [200, thing]
  }
  const answer = async (request: IncomingMessage, response: ServerResponse, text: string) => {
    const { method = '', url: path = '' } = request
    log.push(`${method} ${path}`)
    const before = await calendar.before?.(method, path)
    const [status, body] = before === undefined ? carryOut(method, path, text) : [before]
    const failure = before ?? (await calendar.after?.(method, path))
    if (failure === 'hang up') return void request.socket.destroy()
    response.writeHead(failure ?? Number(status), { 'content-type': 'application/json' })
    const shown = failure === undefined ? body : { error: 'as the test wished' }
    response.end(shown === undefined ? undefined : JSON.stringify(shown))
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => void answer(request, response, Buffer.concat(chunks).toString('utf8')))
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const stop = async () => {
    if (!server.listening) return
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  return Object.assign(calendar, {
    url: `http://127.0.0.1:${port}`,
    events,
    invites,
    messages,
    log,
    writes,
    stop,
    start: () => listen(port),
    [Symbol.asyncDispose]: stop,
  })
}
