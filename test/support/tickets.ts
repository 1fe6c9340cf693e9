import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

/** What describes the service, and all that anybody who uses it knows. */
export const TICKETS_DOCUMENT = fileURLToPath(new URL('tickets.openapi.yaml', import.meta.url))

type Fields = Record<string, unknown>

/** A ticket desk as a stranger would have written it: strict about what it takes, with fields and rules of its own. */
export interface Tickets extends AsyncDisposable {
  readonly url: string
  readonly state: {
    readonly tickets: Map<string, Fields>
    readonly bin: Map<string, Fields>
    readonly comments: Map<string, Fields>
    readonly attachments: Map<string, string>
    readonly tags: Map<string, readonly string[]>
    readonly fields: Map<string, Fields>
    readonly users: Map<string, Fields>
    readonly emails: Fields[]
    settings: Fields
  }
  /** `METHOD path` of every request that arrived. */
  readonly log: string[]
  /** All of it, as data: to compare one moment with another. */
  snapshot(): unknown
}

const SETTABLE = ['subject', 'priority', 'due', 'assigneeId']
const PEOPLE: Readonly<Record<string, object>> = { u1: { id: 'u1', name: 'Ann' }, u2: { id: 'u2', name: 'Ben' } }

export async function startTickets(): Promise<Tickets> {
  let clock = 0
  let ids = 1
  const ticket = (id: string, fields: Fields): Fields => ({
    ...{ priority: null, due: {}, status: 'open', assignee: PEOPLE['u1'], edition: 1, version: 1 },
    ...{ createdAt: (clock += 1), updated_at: clock, id },
    ...fields,
  })
  const state: Tickets['state'] = {
    tickets: new Map([
      ['t1', ticket('t1', { subject: 'Printer', due: { date: '2031-01-01', reminder: true } })],
      ['t2', ticket('t2', { subject: 'Screen' })],
    ]),
    bin: new Map(),
    comments: new Map([['t1/1', { id: 1, text: 'On fire', edited: false }]]),
    attachments: new Map(),
    tags: new Map([['t1', ['urgent', 'hardware']]]),
    fields: new Map([
      ['t1/floor', { value: '2', modifiedAt: 1 }],
      ['t1/room', { value: 'blue', modifiedAt: 1 }],
    ]),
    users: new Map([['u1', { id: 'u1', name: 'Ann' }]]),
    emails: [],
    settings: { language: 'en', version: 3 },
  }

  const answer = (request: IncomingMessage, path: string, body: Buffer): [status: number, body?: unknown] => {
    const { method = '', headers } = request
    const type = headers['content-type'] ?? ''
    const json = () => JSON.parse(body.toString('utf8')) as Fields
    const [kind = '', id = '', part = '', key = ''] = path.split('/').slice(3)
    const refuses = (fields: Fields, names: readonly string[]) =>
      Object.keys(fields).some((name) => !names.includes(name))
    const at = `${id}/${key}`
    if (kind === 'settings') {
      if (method === 'PUT') state.settings = json()
      return [200, state.settings]
    }
    if (kind === 'emails') return [202, void state.emails.push(json())]
    if (kind === 'users') {
      const wanted = json()
      const found = [...state.users.values()].find(({ name }) => name === wanted['name'])
      const user = found ?? { id: `u${(ids += 1)}`, ...wanted }
      state.users.set(String(user['id']), user)
      return [200, user]
    }
    if (kind !== 'tickets') return [404, {}]
    if (id === '') {
      if (method === 'GET') return [200, { items: [...state.tickets.values()] }]
      if (headers['idempotency-key'] === undefined) return [400, { error: 'Idempotency-Key is missing' }]
      const fields = json()
      if (refuses(fields, SETTABLE)) return [422, { error: 'unknown field' }]
      const made = ticket(`n${(ids += 1)}`, fields)
      state.tickets.set(String(made['id']), made)
      return [201, made]
    }
    const found = state.tickets.get(id)
    if (!found) return [404, { error: `no ticket ${id}` }]
    switch (part) {
      case '':
        if (method === 'DELETE') {
          state.tickets.delete(id)
          state.bin.set(id, found)
          return [204]
        }
        if (method === 'PATCH') {
          if (!type.startsWith('application/merge-patch+json')) return [415, {}]
          const { assigneeId, ...fields } = json()
          if (refuses(fields, SETTABLE)) return [422, { error: 'unknown field' }]
          const assignee = typeof assigneeId === 'string' ? { assignee: PEOPLE[assigneeId] } : {}
          const version = Number(found['version']) + 1
          state.tickets.set(id, { ...found, ...fields, ...assignee, version, updated_at: (clock += 1) })
        }
        return [200, state.tickets.get(id)]
      case 'tags':
        if (method !== 'PUT') return [200, state.tags.get(id) ?? []]
        return [204, void state.tags.set(id, JSON.parse(body.toString('utf8')) as string[])]
      case 'fields': {
        const field = state.fields.get(at)
        if (method === 'PUT') {
          if (refuses(json(), ['value'])) return [422, {}]
          state.fields.set(at, { ...json(), modifiedAt: (clock += 1) })
          return [field ? 200 : 201, {}]
        }
        if (!field) return [404, {}]
        return method === 'DELETE' ? [204, void state.fields.delete(at)] : [200, field]
      }
      case 'comments': {
        if (method === 'POST') {
          const made = { id: (ids += 1), ...json(), edited: false }
          state.comments.set(`${id}/${made.id}`, made)
          return [201, { comment: made }]
        }
        const comment = state.comments.get(at)
        if (!comment) return [404, {}]
        if (method === 'DELETE') return [204, void state.comments.delete(at)]
        if (method === 'PUT') {
          if (refuses(json(), ['text'])) return [422, {}]
          state.comments.set(at, { ...comment, ...json(), edited: true })
        }
        return [200, state.comments.get(at)]
      }
      case 'attachments': {
        if (method === 'POST') {
          const uuid = `a${(ids += 1)}`
          state.attachments.set(`${id}/${uuid}`, body.toString('latin1'))
          return [201, { uuid, ownerId: 'u1', size: body.length }]
        }
        const bytes = state.attachments.get(at)
        if (bytes === undefined) return [404, {}]
        return method === 'DELETE' ? [204, void state.attachments.delete(at)] : [200, bytes]
      }
      default:
        return [404, {}]
    }
  }
  const log: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url: path = '' } = request
      log.push(`${method} ${path}`)
      const [status, body] = answer(request, path, Buffer.concat(chunks))
      const bytes = typeof body === 'string'
      response.writeHead(status, { 'content-type': bytes ? 'application/octet-stream' : 'application/json' })
      response.end(body === undefined ? undefined : bytes ? Buffer.from(body, 'latin1') : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    state,
    log,
    snapshot: () =>
      structuredClone(
        Object.fromEntries(
          Object.entries(state).map(([name, part]) => [name, part instanceof Map ? Object.fromEntries(part) : part]),
        ),
      ),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
