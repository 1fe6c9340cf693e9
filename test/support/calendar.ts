import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A small HTTP service with a log of all that arrived: events and messages, kept in memory the test can look into. */
export interface Calendar extends AsyncDisposable {
  readonly url: string
  readonly events: Map<string, Record<string, unknown>>
  readonly messages: Record<string, unknown>[]
  /** `METHOD path` of every request that arrived. */
  readonly log: string[]
  /** Called before a request is answered; may answer a status to fail with. */
  before: ((method: string, path: string) => number | undefined | Promise<number | undefined>) | null
}

export async function startCalendar(): Promise<Calendar> {
  const events = new Map<string, Record<string, unknown>>([
    ['1', { id: '1', title: 'Team meeting', start: '10:00', end: '11:00', version: 1 }],
  ])
  const messages: Record<string, unknown>[] = []
  const log: string[] = []
  const calendar: Pick<Calendar, 'before'> = { before: null }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => void answer(Buffer.concat(chunks).toString('utf8')))
    const method = request.method ?? ''
    const path = request.url ?? ''
    const send = (status: number, body?: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(body === undefined ? undefined : JSON.stringify(body))
    }
    const answer = async (body: string) => {
      log.push(`${method} ${path}`)
      const failure = await calendar.before?.(method, path)
      if (failure !== undefined) return send(failure, { error: 'as the test wished' })
      const [, kind, id] = path.split('/')
      if (kind === 'messages' && method === 'POST') {
        const message = { id: String(messages.length + 1), ...(JSON.parse(body) as object) }
        messages.push(message)
        return send(201, message)
      }
      if (kind !== 'events') return send(404, { error: 'nothing here' })
      if (id === undefined) return send(200, [...events.values()])
      const event = events.get(id)
      if (method === 'PUT') {
        const next = { ...(JSON.parse(body) as object), id, version: Number(event?.['version'] ?? 0) + 1 }
        events.set(id, next)
        return send(event ? 200 : 201, next)
      }
      if (!event) return send(404, { error: `no event ${id}` })
      if (method === 'DELETE') {
        events.delete(id)
        return send(204)
      }
      if (method === 'PATCH') {
        const next = { ...event, ...(JSON.parse(body) as object), version: Number(event['version']) + 1 }
        events.set(id, next)
        return send(200, next)
      }
      return send(200, event)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(calendar, {
    url: `http://127.0.0.1:${port}`,
    events,
    messages,
    log,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
