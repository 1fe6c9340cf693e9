import type { FastifyInstance } from 'fastify'
import type { DatabaseSync } from 'node:sqlite'

/** Sends mail. A sent mail can not be unsent: there is no DELETE, and nothing changes a message. */

export interface Message {
  readonly id: string
  readonly to: readonly string[]
  readonly subject: string
  readonly body: string
  /** ISO 8601. */
  readonly sentAt: string
}

interface Row {
  number: number
  recipients: string
  subject: string
  body: string
  sentAt: string
}

const NewMessage = {
  type: 'object',
  required: ['to', 'subject', 'body'],
  additionalProperties: false,
  properties: {
    to: { type: 'array', minItems: 1, maxItems: 100, items: { type: 'string', pattern: '^[^@\\s]+@[^@\\s]+$' } },
    subject: { type: 'string', minLength: 1, maxLength: 500 },
    body: { type: 'string', minLength: 1, maxLength: 50_000 },
  },
}

export function mail(app: FastifyInstance, db: DatabaseSync): void {
  app.get('/messages', () => readMessages(db))

  app.get<{ Params: { id: string } }>('/messages/:id', (request, reply) => {
    const message = readMessages(db).find((each) => each.id === request.params.id)
    return message ?? reply.code(404).send({ error: `there is no message ${request.params.id}` })
  })

  app.post<{ Body: { to: string[]; subject: string; body: string } }>(
    '/messages',
    { schema: { body: NewMessage } },
    (request, reply) => {
      const { to, subject, body } = request.body
      const row = db
        .prepare('INSERT INTO messages (recipients, subject, body, sentAt) VALUES (?, ?, ?, ?) RETURNING *')
        .get(JSON.stringify(to), subject, body, new Date().toISOString())
      const message = toMessage(row as unknown as Row)
      return reply.code(201).header('location', `/messages/${message.id}`).send(message)
    },
  )
}

/** Messages in the order they were sent. */
export function readMessages(db: DatabaseSync): Message[] {
  return (db.prepare('SELECT * FROM messages ORDER BY number').all() as unknown as Row[]).map(toMessage)
}

function toMessage({ number, recipients, subject, body, sentAt }: Row): Message {
  return { id: `msg-${number}`, to: JSON.parse(recipients) as string[], subject, body, sentAt }
}
