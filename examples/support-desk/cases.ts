/** What customers ask in the demo and in the tests, and what must be answered. */

export interface Case {
  readonly request: string
  /** Every one of these must be in the answer. */
  readonly contains: readonly string[]
  /** The whole answer, where it comes from the config. */
  readonly exactly: string | null
  /** Requests that must arrive at the services, `METHOD /path`. */
  readonly requests: readonly string[]
}

const SORRY = 'Sorry, I cannot answer that question.'
const NO_ORDER = 'Order not found. Please check your Order ID.'
const NO_RETURN = 'Return not found. Please check your Return ID.'

export const cases: readonly Case[] = [
  {
    request: 'Which item was ordered for 123456?',
    contains: ['Herbal Handsoap'],
    exactly: null,
    requests: ['GET /orders/123456'],
  },
  {
    request: 'When is my return rtn003 processed?',
    contains: ['processed', '14 October 2026'],
    exactly: null,
    requests: ['GET /returns/rtn003'],
  },
  { request: 'How is the weather in Scotland right now?', contains: [], exactly: SORRY, requests: [] },
  {
    request: 'Which item was ordered for 383833?',
    contains: [],
    exactly: NO_ORDER,
    requests: ['GET /orders/383833'],
  },
  {
    request: 'When is my return rtn123 processed?',
    contains: [],
    exactly: NO_RETURN,
    requests: ['GET /returns/rtn123'],
  },
  {
    request: 'What is the impact of return rtn001 on world peace?',
    contains: [],
    exactly: SORRY,
    requests: ['GET /returns/rtn001'],
  },
]
