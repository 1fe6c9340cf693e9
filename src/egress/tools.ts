import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import type { Blobs } from '../blobs/blobs.ts'
import { isNotFound, notFound } from '../run/tool.ts'
import type { ToolContext, ToolDefinition } from '../run/tool.ts'
import type { EffectRequest } from '../run/effect.ts'
import { toJsonText } from '../run/json.ts'
import type { BeginAttempt, BegunAttempt, EgressActivities } from '../run/ports.ts'
import type { Upstreams } from './connectors/http.ts'
import type { SendEffect } from './gateway/in-flight.ts'
import { createToolHttp } from './tool-http.ts'

export type CallTool = Parameters<EgressActivities['callTool']>[0]
export type CalledTool = Awaited<ReturnType<EgressActivities['callTool']>>

export interface ToolPorts {
  readonly blobs: Blobs
  readonly upstreams: Upstreams
  readonly tools: Readonly<Record<string, ToolDefinition>>
  readonly sendEffect: SendEffect
  readonly beginAttempt: (run: string, args: BeginAttempt) => Promise<BegunAttempt>
}

/** Milliseconds a tool may take unless it says otherwise. */
const TIMEOUT_MS = 60_000

/**
 * Calls a typed tool. What a model may mend (bad arguments, an error the tool throws) is a value. A tool that writes
 * begins an attempt first, so that its effects pass the same fence as those of code.
 */
export async function callTool(ports: ToolPorts, call: CallTool, cancelled?: AbortSignal): Promise<CalledTool> {
  const tool = Object.hasOwn(ports.tools, call.tool) ? ports.tools[call.tool] : undefined
  if (!tool) return { kind: 'error', error: `there is no tool "${call.tool}" in this worker's config` }
  const parsed = await tool.input.safeParseAsync(call.arguments)
  if (!parsed.success) return { kind: 'error', error: `${tool.name}: ${explain('arguments', parsed.error)}` }

  const attempt = randomUUID()
  const { run, step, generation } = call
  if (tool.effects === 'writes') await ports.beginAttempt(run, { step, generation, attempt })

  const timeoutMs = tool.timeoutMs ?? TIMEOUT_MS
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = cancelled ? AbortSignal.any([timeout, cancelled]) : timeout
  let effects = 0
  const perform = async (request: EffectRequest) =>
    await ports.sendEffect(run, { step, generation, attempt, request }, `effect-${attempt}-${(effects += 1)}`)
  const context: ToolContext = {
    input: call.input,
    signal,
    notFound,
    http(name) {
      const connector = call.connectors.find((each) => each.name === name)
      if (!connector) {
        const known = call.connectors.map((each) => each.name).join(', ') || 'none'
        throw new Error(`agent "${call.agent}" has no connector "${name}"; it has ${known}`)
      }
      return createToolHttp({ ...ports, signal, perform: tool.effects === 'writes' ? perform : null }, connector)
    },
  }
  try {
    const result = await unlessAborted(signal, Promise.resolve(tool.run(parsed.data, context)))
    if (isNotFound(result)) return { kind: 'not-found', message: result.message }
    const checked = tool.output ? await tool.output.safeParseAsync(result) : { success: true as const, data: result }
    if (!checked.success) return { kind: 'error', error: `${tool.name}: ${explain('its answer', checked.error)}` }
    const text = toJsonText(checked.data ?? null)
    return { kind: 'ok', output: await ports.blobs.put(Buffer.from(text, 'utf8'), 'application/json') }
  } catch (error) {
    cancelled?.throwIfAborted()
    if (timeout.aborted) return { kind: 'error', error: `${tool.name} did not answer within ${timeoutMs} ms` }
    return { kind: 'error', error: `${tool.name} failed: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** The tool is left behind when it does not listen to its signal; its effects no longer pass the fence. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Where and what was expected, for a model to mend. */
function explain(what: string, { issues }: z.ZodError): string {
  const lines = issues.slice(0, 10).map(({ path, message }) => `${[what, ...path.map(String)].join('.')}: ${message}`)
  return lines.join('; ')
}
