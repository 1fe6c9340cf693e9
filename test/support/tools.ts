import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { defineTool } from '../../src/index.ts'

/** Tools that do what their arguments say: effects without a sandbox. */

const Request = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  path: z.string(),
  body: z.record(z.string(), z.unknown()).optional(),
  /** Characters of a field `padding` that the tool adds to the body, so that no plan has to hold it. */
  padding: z.int().optional(),
  /** How many fields it adds. */
  fields: z.int().optional(),
})

/** Sends requests, then ends as told: answers their statuses, says "not found", fails, or takes for ever. */
export const change = defineTool({
  name: 'change',
  description: 'Sends requests to the calendar',
  effects: 'writes',
  input: z.strictObject({
    requests: z.array(Request),
    /** True: all at the same time. */
    together: z.boolean().default(false),
    /** True: goes on where a request is refused by Recourse. */
    stubborn: z.boolean().default(false),
    end: z.enum(['answer', 'fail', 'not-found', 'hang']).default('answer'),
  }),
  run: async ({ requests, together, stubborn, end }, { http, notFound, signal }) => {
    const calendar = http('calendar')
    const send = async ({ padding, fields, ...request }: z.infer<typeof Request>) => {
      const more = {
        ...(padding !== undefined && { padding: 'x'.repeat(padding) }),
        ...Object.fromEntries(Array.from({ length: fields ?? 0 }, (_, index) => [`field${index}`, 'y'.repeat(200)])),
      }
      const body = request.body && { ...request.body, ...more }
      try {
        return (await calendar.request({ ...request, body })).status
      } catch (error) {
        if (!stubborn) throw error
        return error instanceof Error ? error.message : String(error)
      }
    }
    const statuses: (string | number)[] = []
    if (together) statuses.push(...(await Promise.all(requests.map(send))))
    else for (const request of requests) statuses.push(await send(request))
    if (end === 'fail') throw new Error('as the test wished')
    if (end === 'not-found') return notFound('there is no such thing')
    if (end === 'hang') await delay(600_000, undefined, { signal })
    return statuses
  },
})

/** Reads one path. */
export const look = defineTool({
  name: 'look',
  description: 'Reads from the calendar',
  effects: 'reads',
  input: z.strictObject({ path: z.string() }),
  run: async ({ path }, { http, notFound }) => {
    const answer = await http('calendar').get(path)
    if (answer.status === 404) return notFound()
    if (answer.status >= 400) throw new Error(`the calendar answered ${answer.status}`)
    return answer.json()
  },
})

type Change = z.input<typeof change.input>

/** A plan of one step that uses the tool `change`, to be handed in. */
export function changePlan(...requests: Change['requests']) {
  return toPlan({ requests })
}

export function toPlan(args: Change) {
  return {
    steps: [
      { id: 's1', kind: 'tool' as const, purpose: 'Change the calendar', tool: 'change', arguments: { ...args } },
    ],
  }
}

/** Moves an event. */
export const move = (id: string, start = '11:00') => ({
  method: 'PATCH' as const,
  path: `/events/${id}`,
  body: { start },
})
/** Sends a message, which the test configs hold until it is confirmed. */
export const message = (text: string) => ({ method: 'POST' as const, path: '/messages', body: { text } })
/** Sends an invite, which a declared inverse takes back. */
export const invite = (to: string) => ({ method: 'POST' as const, path: '/invites', body: { to } })
