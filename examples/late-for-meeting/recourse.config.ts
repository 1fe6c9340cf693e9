import { defineConfig, env, http, secret } from '@recourse-run/recourse'

export default defineConfig({
  models: {
    default: { baseURL: env('OPENAI_BASE_URL'), apiKey: secret('OPENAI_API_KEY'), model: env('OPENAI_MODEL') },
  },
  connectors: {
    mail: http({
      description: 'Sends mail. A sent mail can not be taken back.',
      url: 'http://mail.example.com',
      upstream: env('MAIL_URL'),
      routes: {
        'GET /messages': {},
        'GET /messages/{id}': {},
        // Nothing unsends a mail: it leaves when the run is confirmed, and not before.
        'POST /messages': { permission: 'hold', resource: '/messages/{response.id}' },
      },
    }),
    calendar: http({
      description: 'The calendar of the person who asks.',
      url: 'http://calendar.example.com',
      upstream: env('CALENDAR_URL'),
      routes: {
        'GET /events': {},
        'GET /events/{id}': {},
        'PATCH /events/{id}': { volatile: ['updatedAt'] },
        'PUT /events/{id}': { volatile: ['updatedAt'] },
      },
    }),
  },
  agents: {
    assistant: {
      description: "Looks after a person's mail and calendar.",
      connectors: ['mail', 'calendar'],
    },
  },
})
