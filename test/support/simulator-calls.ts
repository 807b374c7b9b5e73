/** Calls to the simulated provider, as its tests make them. */
import { connect } from 'node:net'

export const minimal = { model: 'test', messages: [{ role: 'user', content: 'test' }], max_tokens: 10 }
export const chat = { ...minimal, max_tokens: 500, stream: true }
export const bash = {
  name: 'Bash',
  input_schema: { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] },
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export const json = async (response: Promise<Response>): Promise<any> => (await response).json()
export const text = async (response: Promise<Response>): Promise<string> => (await response).text()

/** `simulate` is the header of directives; `address` is asked at each call, as tests start the provider anew. */
export function callsTo(address: () => string) {
  return {
    post(body: object | string, simulate = '', headers: Record<string, string> = {}, path = '/v1/messages') {
      return fetch(address() + path, {
        method: 'POST',
        headers: { ...(simulate === '' ? {} : { 'x-simulate': simulate }), ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        redirect: 'manual',
      })
    },
    /** The raw bytes of a response, head included, and how its connection ended. */
    raw(body: object, simulate: string): Promise<{ bytes: Buffer; error: string | undefined }> {
      const payload = JSON.stringify(body)
      const port = Number(new URL(address()).port)
      return new Promise((resolve) => {
        const chunks: Buffer[] = []
        const socket = connect(port, '127.0.0.1')
        let error: string | undefined
        socket.on('data', (chunk) => chunks.push(chunk))
        socket.on('error', (failure: NodeJS.ErrnoException) => {
          error = failure.code
        })
        socket.on('close', () => resolve({ bytes: Buffer.concat(chunks), error }))
        socket.write(
          `POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-simulate: ${simulate}\r\n` +
            `content-length: ${Buffer.byteLength(payload)}\r\n\r\n${payload}`,
        )
      })
    },
  }
}
