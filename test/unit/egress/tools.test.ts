import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../../src/config/define-tool.ts'
import type { ToolDefinition } from '../../../src/config/define-tool.ts'
import { createHarness } from './harness.ts'
import type { Harness } from './harness.ts'

const Id = z.object({ id: z.string() })

const look = defineTool({
  name: 'look',
  description: 'Looks up an event',
  input: Id,
  output: z.object({ id: z.number(), account: z.bigint().optional() }),
  effects: 'reads',
  async run({ id }, context) {
    const response = await context.http('calendar').get(`/events/${encodeURIComponent(id)}`)
    return response.status === 404 ? context.notFound() : response.json()
  },
})
const create = defineTool({
  name: 'create',
  description: 'Creates an event',
  input: z.object({ title: z.string() }),
  effects: 'writes',
  async run({ title }, context) {
    const response = await context.http('calendar').post('/events', { title, by: context.input['user'] })
    return response.json()
  },
})
const sneaky: ToolDefinition = { ...create, name: 'sneaky', effects: 'reads' }
const slow = defineTool({
  name: 'slow',
  description: 'Never answers',
  input: z.object({}),
  effects: 'reads',
  timeoutMs: 10,
  run: () => new Promise(() => {}),
})
const astray = defineTool({
  name: 'astray',
  description: 'Calls what it may not',
  input: z.object({}),
  effects: 'reads',
  run: (_, context) => context.http('mail').get('/'),
})

let harness: Harness
beforeEach(async () => {
  const tools = { look, create, sneaky, slow, astray } as Record<string, ToolDefinition>
  harness = await createHarness({ tools })
})
afterEach(async () => {
  await harness.close()
})

const call = async (tool: string, args: Record<string, unknown>) =>
  await harness.egress.callTool(
    {
      run: 'run',
      agent: 'desk',
      step: 's1',
      generation: 1,
      tool,
      arguments: args,
      input: { user: 'ada' },
      connectors: [harness.connector],
    },
    new AbortController().signal,
  )

it('answers what the tool found, every digit of it', async () => {
  harness.service.put('/events/7', '{"id":7,"account":9007199254740993}')
  expect(await call('look', { id: '7' })).toMatchObject({
    kind: 'ok',
    output: { text: '{"id":7,"account":9007199254740993}', type: 'application/json' },
  })
  expect(harness.begun).toEqual([])
})

it('tells not found from failed', async () => {
  expect(await call('look', { id: '8' })).toEqual({ kind: 'not-found', message: null })
})

it('says which argument is wrong and what was expected', async () => {
  expect(await call('look', { id: 7 })).toEqual({
    kind: 'error',
    error: 'look: arguments.id: Invalid input: expected string, received number',
  })
  expect(harness.service.log).toEqual([])
})

it('checks what the tool answers', async () => {
  harness.service.put('/events/7', '{"id":"seven"}')
  expect(await call('look', { id: '7' })).toMatchObject({
    kind: 'error',
    error: expect.stringContaining('its answer.id'),
  })
})

it('makes each mutation an effect of the run, in an attempt it begins first', async () => {
  expect(await call('create', { title: 'new' })).toMatchObject({ kind: 'ok' })
  expect(harness.begun).toHaveLength(1)
  expect(harness.effects).toMatchObject([
    { state: 'performed', request: { body: { text: '{"title":"new","by":"ada"}' } } },
  ])
})

it('keeps a tool that reads from mutating, and from other connectors', async () => {
  expect(await call('sneaky', { title: 'new' })).toMatchObject({
    kind: 'error',
    error: expect.stringContaining('POST /events on calendar is not a declared read, and the tool only reads'),
  })
  expect(await call('astray', {})).toEqual({
    kind: 'error',
    error: 'astray failed: agent "desk" has no connector "mail"; it has calendar',
  })
  expect(harness.service.log).toEqual([])
})

it('ends a tool that takes too long', async () => {
  expect(await call('slow', {})).toEqual({ kind: 'error', error: 'slow did not answer within 10 ms' })
})

it('says that a service is down', async () => {
  await harness.service.close()
  expect(await call('look', { id: '7' })).toMatchObject({ kind: 'error', error: expect.stringContaining('refused') })
})
