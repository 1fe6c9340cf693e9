/** The shop's data: always the same, so that answers can be compared. Dates are ISO 8601 days. */

export interface Order {
  readonly id: string
  readonly item: string
  readonly quantity: number
  readonly customer: string
  readonly status: 'paid' | 'packed' | 'delivered'
  readonly orderedOn: string
}

export interface Return {
  readonly id: string
  readonly orderId: string
  readonly reason: string
  readonly status: 'announced' | 'received' | 'processed'
  readonly receivedOn: string | null
  readonly processedOn: string | null
}

const ITEMS = [
  'Herbal Handsoap',
  'Oak Cutting Board',
  'Linen Towel',
  'Beeswax Candle',
  'Copper Kettle',
  'Wool Blanket',
  'Olive Oil, 1 l',
  'Stoneware Mug',
]
const CUSTOMERS = ['Ines Okafor', 'Jonas Weber', 'Kala Nair', 'Liam Byrne', 'Mei Tanaka', 'Nora Lindqvist']
const STATES = ['delivered', 'packed', 'paid'] as const

const pick = <T>(list: readonly [T, ...T[]] | readonly T[], index: number): T => list[index % list.length] as T
const dayOf = (month: string, index: number) => `2026-${month}-${String(1 + (index % 28)).padStart(2, '0')}`

export function seedOrders(): Order[] {
  return Array.from({ length: 36 }, (_, index) => ({
    id: String(123_456 + index * 37),
    item: pick(ITEMS, index),
    quantity: 1 + (index % 4),
    customer: pick(CUSTOMERS, index),
    status: pick(STATES, index),
    orderedOn: dayOf('09', index),
  }))
}

export function seedReturns(): Return[] {
  const orders = seedOrders()
  return Array.from({ length: 24 }, (_, index) => {
    const status = pick(['announced', 'received', 'processed'] as const, index)
    return {
      id: `rtn${String(index + 1).padStart(3, '0')}`,
      orderId: pick(orders, index).id,
      reason: pick(['damaged', 'too many', 'changed my mind'], index),
      status,
      receivedOn: status === 'announced' ? null : dayOf('10', index + 7),
      processedOn: status === 'processed' ? dayOf('10', index + 11) : null,
    }
  })
}
