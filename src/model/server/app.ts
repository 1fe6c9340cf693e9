import { setTimeout as delay } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { z } from 'zod'
import { createCast } from './cast.ts'
import { embed } from './embed.ts'
import type { ScriptEntry } from './script.ts'

/**
 * A model that answers from a script, behind the plain OpenAI API, so that demo and tests run offline and the same way
 * every time. It says of itself that it is a script: in a header of every answer and at /healthz.
 */

export interface ModelServerOptions {
  readonly entries: readonly ScriptEntry[]
  /** Told once an answer, in a line. */
  readonly log?: (line: string) => void
}

const Content = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() })), z.null()]).optional()
const ChatRequest = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string(), content: Content })).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
})
const EmbeddingsRequest = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).min(1)]),
  dimensions: z.int().positive().max(4096).optional(),
  encoding_format: z.enum(['float', 'base64']).default('float'),
})

const PREFIX = 'scripted/'
const CREATED = 1_700_000_000
const BODY_LIMIT = 64 * 1024 * 1024

export function createModelServer({ entries, log = () => {} }: ModelServerOptions): FastifyInstance {
  const cast = createCast(entries)
  let answers = 0
  const app = Fastify({ bodyLimit: BODY_LIMIT, forceCloseConnections: true })
  app.addHook('onRequest', async (_, reply) => void reply.header('x-recourse-scripted', 'true'))
  app.setErrorHandler<Error & { statusCode?: number }>((error, _, reply) => {
    const status = error.statusCode ?? 500
    return reply.code(status).send(toErrorBody(status, error.message))
  })
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send(toErrorBody(404, `The scripted model has no ${request.method} ${request.url}`)),
  )

  app.get('/healthz', () => ({
    status: 'ok',
    scripted: true,
    note: 'These answers come from a script, not from a model.',
    left: cast.left(),
  }))

  app.get('/v1/models', () => {
    const roles = [...new Set(entries.map((entry) => entry.role))]
    const data = roles.map((role) => ({
      id: `${PREFIX}${role}`,
      object: 'model',
      created: CREATED,
      owned_by: 'script',
    }))
    return { object: 'list', data }
  })

  app.post('/v1/chat/completions', async (request, reply) => {
    const parsed = ChatRequest.safeParse(request.body)
    if (!parsed.success) return refuse(reply, 400, z.prettifyError(parsed.error))
    const { model, messages, stream, stream_options } = parsed.data
    if (!model.startsWith(PREFIX)) {
      return refuse(reply, 404, `The scripted model serves ${PREFIX}<role>, not "${model}"`, 'model_not_found')
    }
    const role = model.slice(PREFIX.length)
    const fromUser = messages.filter((message) => message.role === 'user').map((message) => textOf(message.content))
    const [first = '', last = first] = [fromUser[0], fromUser.at(-1)]
    const part = cast.take(role, first, last)
    if (!part) {
      log(`${role}: no entry left for: ${toLine(first)}`)
      return refuse(reply, 404, toMissing(role, first, last), 'no_scripted_reply')
    }
    const { entry, index } = part
    log(`${role}: entry ${index}${entry.fail === undefined ? '' : ` fails with ${entry.fail}`} for: ${toLine(first)}`)
    if (entry.delayMs > 0) {
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      await delay(entry.delayMs, undefined, { signal: gone.signal }).catch(() => undefined)
    }
    if (entry.fail !== undefined) {
      if (entry.fail === 429) reply.header('retry-after', '1')
      return refuse(reply, entry.fail, `Entry ${index} of the script fails with ${entry.fail}`)
    }
    const text = typeof entry.reply === 'string' ? entry.reply : JSON.stringify(entry.reply)
    const prompt = messages.reduce((sum, message) => sum + toTokens(textOf(message.content)), 0)
    const usage = { prompt_tokens: prompt, completion_tokens: toTokens(text), total_tokens: prompt + toTokens(text) }
    const head = { id: `chatcmpl-scripted-${++answers}`, created: CREATED, model }
    if (stream) {
      const events = toChunks(head, text, stream_options?.include_usage ? usage : null)
      return reply.type('text/event-stream').header('cache-control', 'no-cache').send(events)
    }
    const message = { role: 'assistant', content: text, refusal: null }
    const choices = [{ index: 0, finish_reason: 'stop', logprobs: null, message }]
    return { ...head, object: 'chat.completion', choices, usage }
  })

  app.post('/v1/embeddings', async (request, reply) => {
    const parsed = EmbeddingsRequest.safeParse(request.body)
    if (!parsed.success) return refuse(reply, 400, z.prettifyError(parsed.error))
    const { model, input, dimensions, encoding_format } = parsed.data
    const texts = typeof input === 'string' ? [input] : input
    const data = texts.map((text, index) => {
      const vector = embed(text, dimensions)
      return { object: 'embedding', index, embedding: encoding_format === 'base64' ? toBase64(vector) : vector }
    })
    const tokens = texts.reduce((sum, text) => sum + toTokens(text), 0)
    return { object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } }
  })

  return app
}

/** About four characters a token: an estimate that is the same every time. */
function toTokens(text: string): number {
  return Math.ceil(text.length / 4)
}

function textOf(content: z.infer<typeof Content>): string {
  if (typeof content === 'string') return content
  return (content ?? []).map((part) => part.text ?? '').join('')
}

function toLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, 80)
}

function toMissing(role: string, first: string, last: string): string {
  const fedBack = last === first ? '' : `; latest message: "${last.slice(0, 200)}"`
  return `The script has no unused entry for role "${role}" and request "${first.slice(0, 200)}"${fedBack}`
}

function toErrorBody(status: number, message: string, code: string | null = null) {
  const type = status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error'
  return { error: { message, type, param: null, code } }
}

function refuse(reply: FastifyReply, status: number, message: string, code: string | null = null): FastifyReply {
  return reply.code(status).send(toErrorBody(status, message, code))
}

/** Server-sent events in OpenAI's form: the role, the text in pieces, the end. */
function toChunks(head: object, text: string, usage: object | null): string {
  const chunk = (delta: object, finish: string | null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finish }],
  })
  // By code point, so that no piece ends within a surrogate pair.
  const pieces = text.match(/.{1,40}/gsu) ?? []
  const chunks: object[] = [
    chunk({ role: 'assistant', content: '' }, null),
    ...pieces.map((content) => chunk({ content }, null)),
    chunk({}, 'stop'),
  ]
  if (usage) chunks.push({ ...head, object: 'chat.completion.chunk', choices: [], usage })
  return [...chunks.map((each) => JSON.stringify(each)), '[DONE]'].map((data) => `data: ${data}\n\n`).join('')
}

/** Little-endian 32-bit floats, as the OpenAI API has them. */
function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [index, each] of vector.entries()) bytes.writeFloatLE(each, index * 4)
  return bytes.toString('base64')
}
