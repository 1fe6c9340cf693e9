import { defineTool } from '@recourse-run/recourse'
import { z } from 'zod'

const Order = z.object({
  id: z.string(),
  item: z.string(),
  quantity: z.number(),
  status: z.string(),
  orderedOn: z.string(),
})

export const lookUpOrder = defineTool({
  name: 'look_up_order',
  description: 'Looks up one order by its id: the item, the quantity, the status and when it was ordered.',
  input: z.object({ orderId: z.string().regex(/^\d{1,12}$/, 'an order id is up to 12 digits, such as 123456') }),
  output: Order,
  effects: 'reads',
  run: async ({ orderId }, ctx) => {
    const response = await ctx.http('orders').get(`/orders/${orderId}`)
    if (response.status === 404) return ctx.notFound()
    if (response.status !== 200) throw new Error(`orders answered ${response.status}`)
    // What the customer has no business with (other people's names) is left out here.
    return Order.parse(response.json())
  },
})

const Return = z.object({
  id: z.string(),
  orderId: z.string(),
  reason: z.string(),
  status: z.string(),
  receivedOn: z.string().nullable(),
  processedOn: z.string().nullable(),
})

export const lookUpReturn = defineTool({
  name: 'look_up_return',
  description: 'Looks up one return by its id: its order, the reason, the status, when it was received and processed.',
  input: z.object({ returnId: z.string().regex(/^rtn\d{1,9}$/, 'a return id is rtn and digits, such as rtn003') }),
  output: Return,
  effects: 'reads',
  run: async ({ returnId }, ctx) => {
    const response = await ctx.http('returns').get(`/returns/${returnId}`)
    if (response.status === 404) return ctx.notFound()
    if (response.status !== 200) throw new Error(`returns answered ${response.status}`)
    return Return.parse(response.json())
  },
})
