import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createModels } from '../../../src/model/client.ts'
import type { ModelSpec } from '../../../src/model/config.ts'

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: {
    model: string
    messages: { role: string; content: string }[]
    response_format?: { type: string; json_schema: { name: string; strict: boolean; schema: Record<string, unknown> } }
    max_tokens?: number
    max_completion_tokens?: number
  }
}

export interface Provider {
  readonly baseURL: string
  readonly received: Received[]
  close(): void
}

export type Answer = (response: ServerResponse, received: Received, index: number) => void

/** A real HTTP server on loopback whose answers a test writes byte by byte. */
export async function startProvider(answer: Answer): Promise<Provider> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const one = {
      headers: request.headers,
      body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as Received['body'],
    }
    received.push(one)
    answer(response, one, received.length - 1)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    received,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** A chat completion with this text. */
export function sendText(
  response: ServerResponse,
  content: string | null,
  extra: { finish?: string; refusal?: string } = {},
): void {
  sendJson(response, 200, {
    id: 'x',
    object: 'chat.completion',
    model: 'provider-name',
    choices: [
      {
        index: 0,
        finish_reason: extra.finish ?? 'stop',
        message: { role: 'assistant', content, refusal: extra.refusal ?? null },
      },
    ],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  })
}

/** Not shaped like any provider's keys, so that only knowing it takes it out. */
export const KEY = 'opaque+0123456789/abcdef'

export function modelsAt(baseURL: string, spec: Partial<ModelSpec> = {}) {
  return createModels({
    default: { baseURL, apiKey: KEY, model: 'some/{role}', structured: 'schema', timeoutMs: 10_000, ...spec },
  })
}

export const never = new AbortController().signal
