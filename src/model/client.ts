import OpenAI, { APIError } from 'openai'
import { Agent, fetch as undiciFetch } from 'undici'
import { z } from 'zod'
import type { Usage } from '../run/view.ts'
import { readJson, withoutThinking, type Read } from './answer.ts'
import type { ModelsConfig, ModelSpec, Role } from './config.ts'
import { MalformedAnswer, toModelError } from './failures.ts'
import { toResponseFormat } from './json-schema.ts'
import type { AnswerShape, CompleteArgs, Completion, Models, Turn, UnusableReason } from './models.ts'
import { digestOfText } from './text.ts'

/**
 * Models behind any OpenAI-compatible API. One request at a time: the only second request of a call is the repair turn,
 * or the same request in the form that the server understands. Retrying is Temporal's.
 */
export function createModels(config: ModelsConfig): Models {
  const agents: Agent[] = []
  const clients = new Map<ModelSpec, OpenAI>()
  const endpoints = new Map<Role, Endpoint>()

  function clientOf(spec: ModelSpec): OpenAI {
    let client = clients.get(spec)
    if (!client) {
      // fetch has time limits of its own (five minutes); ours is the only one that should count.
      const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000 })
      agents.push(agent)
      client = new OpenAI({
        baseURL: spec.baseURL,
        apiKey: spec.apiKey,
        timeout: spec.timeoutMs,
        maxRetries: 0,
        logLevel: 'off',
        // Otherwise read from the environment, and sent to whatever baseURL is.
        organization: null,
        project: null,
        adminAPIKey: null,
        webhookSecret: null,
        fetch: undiciFetch as unknown as typeof fetch,
        fetchOptions: { dispatcher: agent },
      })
      clients.set(spec, client)
    }
    return client
  }

  function endpointOf(role: Role): Endpoint {
    let endpoint = endpoints.get(role)
    if (!endpoint) {
      const spec = config[role] ?? config.default
      const model = spec.model.replaceAll('{role}', role)
      const form = { fenced: spec.structured === 'fenced', newMaxTokens: false }
      endpoint = { role, spec, model, client: clientOf(spec), form }
      endpoints.set(role, endpoint)
    }
    return endpoint
  }

  return {
    complete: (args) => complete(endpointOf(args.role), args),
    async close() {
      await Promise.all(agents.map((agent) => agent.close()))
    },
  }
}

/** A role's model and what was learnt about its server. */
interface Endpoint {
  readonly role: Role
  readonly spec: ModelSpec
  readonly model: string
  readonly client: OpenAI
  form: Form
}

/** How a server wants to be asked. */
interface Form {
  /** True: it takes no `response_format`. */
  readonly fenced: boolean
  /** True: it takes `max_completion_tokens` and refuses `max_tokens`. */
  readonly newMaxTokens: boolean
}

async function complete<T>(endpoint: Endpoint, args: CompleteArgs<T>): Promise<Completion<T>> {
  const usage: Usage = { modelCalls: 0, promptTokens: 0, completionTokens: 0 }
  const promptDigest = args.promptDigest ?? digestOfText(args.system)
  const read = readerOf(args.schema)
  let turns = args.turns
  for (let attempt = 1; ; attempt++) {
    const reply = await ask(endpoint, { ...args, turns })
    usage.modelCalls += reply.calls
    usage.promptTokens += reply.promptTokens
    usage.completionTokens += reply.completionTokens
    const done = { text: reply.text, usage, model: reply.model, promptDigest }
    if (reply.unusable) return { ...done, kind: 'unusable', ...reply.unusable }
    const result = read(reply.text)
    if (result.ok) return { ...done, kind: 'value', value: result.value }
    if (attempt === 2) return { ...done, kind: 'unusable', reason: 'invalid', error: result.error }
    turns = [...turns, { from: 'model', text: reply.text }, { from: 'user', text: toRepair(result.error) }]
  }
}

function toRepair(error: string): string {
  return `That answer can not be used. ${error}\nAnswer again, complete and in the form that was asked for.`
}

function readerOf<T>(shape: AnswerShape<T> | undefined): (text: string) => Read<T> {
  // Without a shape T is string, by the default of `complete`.
  if (!shape) return (text) => ({ ok: true, value: withoutThinking(text) as T })
  return shape.read ?? ((text) => readJson(text, shape.zod))
}

interface Reply {
  readonly text: string
  readonly model: string
  readonly calls: number
  readonly promptTokens: number
  readonly completionTokens: number
  readonly unusable: { readonly reason: UnusableReason; readonly error: string } | null
}

/** Sends a request; where the server does not know its form, sends it in another, and remembers the one that works. */
async function ask(endpoint: Endpoint, args: CompleteArgs<unknown>): Promise<Reply> {
  let form = endpoint.form
  let first: unknown = null
  for (let calls = 1; ; calls++) {
    try {
      const reply = await request(endpoint, form, args)
      if (first !== null) endpoint.form = form
      return { ...reply, calls }
    } catch (error) {
      const other = toOtherForm(endpoint.spec, form, args, error)
      // A refusal that does not name the form, and stays in the other form, was about something else.
      const cause = isFormRefused(error) && first !== null && !isAboutForm(first) ? first : error
      if (!other) return unusableOrThrow(endpoint, cause, calls)
      first ??= error
      form = other
    }
  }
}

function isFormRefused(error: unknown): error is APIError {
  if (!(error instanceof APIError) || (error.status !== 400 && error.status !== 422)) return false
  return !/context_length_exceeded|content_filter|content_policy/.test(error.code ?? '')
}

function isAboutForm(error: unknown): boolean {
  return error instanceof APIError && /response_format|json_schema|schema|max_(completion_)?tokens/i.test(error.message)
}

function toOtherForm(spec: ModelSpec, form: Form, args: CompleteArgs<unknown>, error: unknown): Form | null {
  if (!isFormRefused(error)) return null
  if (spec.maxTokens !== undefined && !form.newMaxTokens && error.message.includes('max_completion_tokens')) {
    return { ...form, newMaxTokens: true }
  }
  return args.schema && !form.fenced ? { ...form, fenced: true } : null
}

function unusableOrThrow(endpoint: Endpoint, error: unknown, calls: number): Reply {
  const modelError = toModelError(error, contextOf(endpoint))
  if (modelError.failure.kind !== 'content-filter') throw modelError
  const unusable = { reason: 'content-filter', error: modelError.message } as const
  return { text: '', model: endpoint.model, calls, promptTokens: 0, completionTokens: 0, unusable }
}

function contextOf({ role, model, spec }: Endpoint) {
  return { role, model, baseURL: spec.baseURL, apiKey: spec.apiKey }
}

async function request(endpoint: Endpoint, form: Form, args: CompleteArgs<unknown>): Promise<Reply> {
  const { spec, model, client } = endpoint
  const { schema } = args
  const system = schema && form.fenced ? `${args.system}\n\n${toFencedInstruction(schema)}` : args.system
  const body: OpenAI.ChatCompletionCreateParamsNonStreaming = {
    model,
    messages: [{ role: 'system', content: system }, ...args.turns.map(toMessage)],
  }
  if (schema && !form.fenced) body.response_format = toResponseFormat(schema)
  if (spec.temperature !== undefined) body.temperature = spec.temperature
  if (spec.maxTokens !== undefined) {
    if (form.newMaxTokens) body.max_completion_tokens = spec.maxTokens
    else body.max_tokens = spec.maxTokens
  }
  const answer: unknown = await client.chat.completions.create(body, { signal: args.signal })
  return toReply(answer, model, spec)
}

function toMessage(turn: Turn): OpenAI.ChatCompletionMessageParam {
  return { role: turn.from === 'user' ? 'user' : 'assistant', content: turn.text }
}

function toFencedInstruction(shape: AnswerShape<unknown>): string {
  if (shape.fenced) return shape.fenced
  const { schema } = toResponseFormat(shape).json_schema
  return `Answer with one fenced block and nothing else:\n\`\`\`json\n{…}\n\`\`\`\nThe JSON in it must fit this JSON Schema:\n${JSON.stringify(schema)}`
}

const Content = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).nullish()
const ChatAnswer = z.looseObject({
  model: z.string().optional(),
  choices: z
    .array(
      z.looseObject({
        finish_reason: z.string().nullish(),
        message: z.looseObject({ content: Content, refusal: z.string().nullish() }),
      }),
    )
    .min(1),
  usage: z.looseObject({ prompt_tokens: z.number().optional(), completion_tokens: z.number().optional() }).nullish(),
})
const ErrorAnswer = z.looseObject({ error: z.looseObject({ code: z.unknown(), message: z.string().optional() }) })

function toReply(answer: unknown, asked: string, spec: ModelSpec): Reply {
  const parsed = ChatAnswer.safeParse(answer)
  if (!parsed.success) throw toAnswerError(answer)
  const { choices, usage, model } = parsed.data
  const choice = choices[0]
  const text = textOf(choice?.message.content)
  return {
    text,
    model: model?.slice(0, 200) || asked,
    calls: 1,
    promptTokens: usage?.prompt_tokens ?? 0,
    completionTokens: usage?.completion_tokens ?? 0,
    unusable: toUnusable(choice?.finish_reason ?? null, choice?.message.refusal ?? null, text, spec),
  }
}

function textOf(content: z.infer<typeof Content>): string {
  if (typeof content === 'string') return content
  return (content ?? []).map((part) => part.text ?? '').join('')
}

function toUnusable(finish: string | null, refusal: string | null, text: string, spec: ModelSpec): Reply['unusable'] {
  if (finish === 'content_filter') {
    return { reason: 'content-filter', error: "The provider's content filter stopped the answer." }
  }
  if (refusal) return { reason: 'refusal', error: `The model refused: ${refusal.slice(0, 500)}` }
  if (finish === 'length') {
    const limit = spec.maxTokens === undefined ? "the model's own limit" : `maxTokens (${spec.maxTokens})`
    return { reason: 'length', error: `The answer was cut off at ${limit}; a shorter answer is needed.` }
  }
  if (text.trim() === '')
    return { reason: 'empty', error: `The model answered nothing (finish reason: ${finish ?? 'none'}).` }
  return null
}

/** Some gateways answer 200 with the provider's error inside. */
function toAnswerError(answer: unknown): Error {
  const inside = ErrorAnswer.safeParse(answer)
  if (!inside.success) {
    const shown = typeof answer === 'string' ? answer : (JSON.stringify(answer) ?? 'nothing')
    return new MalformedAnswer(`it answered: ${shown.slice(0, 200)}`)
  }
  const status = Number(inside.data.error.code)
  if (status >= 400 && status < 600) return APIError.generate(status, inside.data, undefined, new Headers())
  return new MalformedAnswer(inside.data.error.message ?? 'it answered with an error')
}
