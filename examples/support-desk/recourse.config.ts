import { defineConfig, env, http, secret } from '@recourse-run/recourse'
import { lookUpOrder, lookUpReturn } from './tools.ts'

export default defineConfig({
  models: {
    default: { baseURL: env('OPENAI_BASE_URL'), apiKey: secret('OPENAI_API_KEY'), model: env('OPENAI_MODEL') },
  },
  connectors: {
    orders: http({
      url: 'http://orders.example.com',
      upstream: env('ORDERS_URL'),
      routes: { 'GET /orders/{id}': {} },
    }),
    returns: http({
      url: 'http://returns.example.com',
      upstream: env('RETURNS_URL'),
      routes: { 'GET /returns/{id}': {} },
    }),
  },
  tools: [lookUpOrder, lookUpReturn],
  agents: {
    desk: {
      description: 'Answers questions of customers about their orders and returns.',
      mode: 'route',
      connectors: ['orders', 'returns'],
      tools: ['look_up_order', 'look_up_return'],
      responses: {
        default: 'Sorry, I cannot answer that question.',
        notFound: {
          look_up_order: 'Order not found. Please check your Order ID.',
          look_up_return: 'Return not found. Please check your Return ID.',
        },
      },
    },
  },
})
