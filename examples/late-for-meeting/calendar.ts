import type { FastifyInstance, FastifyReply } from 'fastify'
import type { DatabaseSync } from 'node:sqlite'

/** A calendar with optimistic locking: every event has an ETag, and `If-Match` is honoured (RFC 9110, 13.1.1). */

export interface CalendarEvent {
  readonly id: string
  readonly title: string
  /** ISO 8601. */
  readonly start: string
  readonly end: string
  readonly attendees: readonly string[]
  readonly notes: string
  /** Set by the service at every write. */
  readonly updatedAt: string
}

type Fields = Omit<CalendarEvent, 'id' | 'updatedAt'>
type Row = Omit<CalendarEvent, 'attendees'> & { attendees: string; version: number }

const time = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?(Z|[+-]\\d\\d:\\d\\d)$',
}
const fields = {
  title: { type: 'string', minLength: 1, maxLength: 500 },
  start: time,
  end: time,
  attendees: { type: 'array', maxItems: 100, items: { type: 'string', pattern: '^[^@\\s]+@[^@\\s]+$' } },
  notes: { type: 'string', maxLength: 50_000 },
}
const Change = { type: 'object', minProperties: 1, additionalProperties: false, properties: fields }
// What was read can be put back as it is: what the service sets itself is taken, and ignored.
const Whole = {
  type: 'object',
  required: Object.keys(fields),
  additionalProperties: false,
  properties: { ...fields, id: { type: 'string' }, updatedAt: { type: 'string' } },
}

interface OneEvent {
  Params: { id: string }
}

export function calendar(app: FastifyInstance, db: DatabaseSync): void {
  const find = (id: string) => db.prepare('SELECT * FROM events WHERE id = ?').get(id) as unknown as Row | undefined
  const missing = (reply: FastifyReply, id: string) => reply.code(404).send({ error: `there is no event ${id}` })

  app.get<{ Querystring: { title?: string } }>(
    '/events',
    { schema: { querystring: { type: 'object', properties: { title: { type: 'string' } } } } },
    ({ query: { title } }) => {
      const events = readEvents(db)
      return title === undefined
        ? events
        : events.filter((event) => event.title.toLowerCase().includes(title.toLowerCase()))
    },
  )

  app.get<OneEvent>('/events/:id', ({ params: { id } }, reply) => {
    const row = find(id)
    return row ? reply.header('etag', toEtag(row)).send(toEvent(row)) : missing(reply, id)
  })

  const write = (
    { params: { id }, headers }: { params: { id: string }; headers: Record<string, string | string[] | undefined> },
    reply: FastifyReply,
    change: Partial<CalendarEvent>,
  ) => {
    const row = find(id)
    if (!row) return missing(reply, id)
    const expected = headers['if-match']
    if (typeof expected === 'string' && expected !== '*' && expected !== toEtag(row)) {
      return reply
        .code(412)
        .header('etag', toEtag(row))
        .send({ error: `event ${id} has changed since it was read` })
    }
    if (change.id !== undefined && change.id !== id) {
      return reply.code(409).send({ error: `event ${id} can not become event ${change.id}` })
    }
    const { title, start, end, attendees, notes }: Fields = { ...toEvent(row), ...change }
    if (!(Date.parse(start) < Date.parse(end))) {
      return reply.code(400).send({ error: `an event must start before it ends, not at ${start} and ${end}` })
    }
    const updated = db
      .prepare(
        `UPDATE events SET title = ?, start = ?, "end" = ?, attendees = ?, notes = ?, updatedAt = ?, version = version + 1
         WHERE id = ? RETURNING *`,
      )
      .get(title, start, end, JSON.stringify(attendees), notes, new Date().toISOString(), id) as unknown as Row
    return reply.header('etag', toEtag(updated)).send(toEvent(updated))
  }
  app.patch<OneEvent & { Body: Partial<Fields> }>('/events/:id', { schema: { body: Change } }, (request, reply) =>
    write(request, reply, request.body),
  )
  app.put<OneEvent & { Body: Fields & Partial<CalendarEvent> }>(
    '/events/:id',
    { schema: { body: Whole } },
    (request, reply) => write(request, reply, request.body),
  )
}

/** Events by start. */
export function readEvents(db: DatabaseSync): CalendarEvent[] {
  return (db.prepare('SELECT * FROM events ORDER BY start, id').all() as unknown as Row[]).map(toEvent)
}

function toEvent({ id, title, start, end, attendees, notes, updatedAt }: Row): CalendarEvent {
  return { id, title, start, end, attendees: JSON.parse(attendees) as string[], notes, updatedAt }
}

function toEtag(row: Row): string {
  return `"${row.id}-${row.version}"`
}
