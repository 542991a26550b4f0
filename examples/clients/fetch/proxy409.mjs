// A fetch that writes only from the version that it has read. It is made for servers behind proxy409, runs in browsers and in
// Node 20, needs nothing else, and is meant to be copied.
//
//   const send = remembering(fetch)
//   const item = await (await send("/items/1")).json()
//   const saved = await send("/items/1", {method: "PUT", body: JSON.stringify({...item, title: "New"})})   // 409 if others have saved
//   await update(send, "/items/1", item => { item.views++ })                                                // again, if others have saved

/** An answer that ends an update: the last one, if others have been quicker each time. */
export class Refused extends Error {
  constructor(method, response, why = "") {
    super(`${method} ${response.url}: ${response.status} ${reason(response)}${why}`)
    Object.assign(this, {name: "Refused", response, reason: reason(response)})
  }
}

/** A write whose answer got lost, and whose repetition was refused: nobody can say whether the first one was applied. Look first. */
export class InDoubt extends Error {
  constructor(request, response, cause) {
    super(`${request.method} ${request.url}: the answer got lost, and when it was sent again it was ${response.status} ${reason(response)}`, {cause})
    Object.assign(this, {name: "InDoubt", response})
  }
}

/**
 * A function like fetch that remembers the ETag of what it GETs, of up to `keep` URLs, and sends it as If-Match with the next PUT, PATCH
 * or DELETE of the same URL, unless the request has a precondition. Tags go back as they came. A write that gets a tag so is not
 * redirected (redirect: "manual"), because the tag is that of its own URL.
 *
 * It remembers for one user who does one thing at a time: who reads a URL anew takes what is there now for what was edited. Set If-Match
 * yourself, or use update, where several things go on at once.
 *
 * A write whose answer got lost is repeated once, word for word, if it has a precondition or an Idempotency-Key. That relies on the
 * proxy, which does not apply it twice.
 */
export function remembering(send = fetch, keep = 1000) {
  const tags = new Map() // by URL, in the order in which they came
  const remember = (url, tag) => {
    tags.delete(url)
    if (tag) tags.set(url, tag)
    if (tags.size > keep) tags.delete(tags.keys().next().value)
  }
  return async (input, init) => {
    let request = new Request(input, init)
    const url = request.url.split("#")[0]
    const isWrite = ["PUT", "PATCH", "DELETE"].includes(request.method)
    if (isWrite && tags.has(url) && !hasPrecondition(request)) {
      request = new Request(request, {redirect: "manual"})
      request.headers.set("If-Match", tags.get(url))
      if (!request.headers.has("Idempotency-Key")) request.headers.set(...Object.entries(idempotencyKey())[0])
    }
    const repeatable = (isWrite && hasPrecondition(request)) || request.headers.has("Idempotency-Key")
    const response = repeatable ? await sendTwice(send, request) : await send(request)
    const [at, tag] = [response.url || url, response.headers.get("ETag")]
    if (request.method === "GET" && [200, 304].includes(response.status) && tag) remember(at, tag)
    if (isWrite && response.ok) remember(at, tag) // none: what is there now has not been read
    return response
  }
}

// An error in answer to the second says nothing of the first, unless it is the first one's answer.
async function sendTwice(send, request) {
  const again = request.clone()
  try {
    return await send(request)
  } catch (lost) {
    if (request.signal.aborted) throw lost
    await pause(1)
    const response = await send(again).catch(() => { throw lost })
    if (response.status >= 400 && reason(response) !== "replayed") throw new InDoubt(request, response, lost)
    return response
  }
}

/**
 * Reads the JSON document at url, has change change it (or return another one), and PUTs it with the ETag that came with it. If others
 * have written meanwhile it does so anew, up to `tries` times in all, with pauses; so change may be called several times. Returns the
 * answer to the PUT, or throws Refused with the one that ended it. `send` should be made by remembering, for answers that get lost;
 * InDoubt is not tried again, as the change might be made twice. The rest of the last argument goes with each request (headers, signal).
 */
export async function update(send, url, change, {tries = 5, ...init} = {}) {
  for (let n = 1; ; n++) {
    const read = await send(url, {...init, cache: "no-store"})
    const tag = read.headers.get("ETag")
    if (read.status !== 200) throw new Refused("GET", read)
    if (!tag) throw new Refused("GET", read, ": there is no ETag, so nobody could tell from which version the change was made")
    const document = await read.json()
    const body = JSON.stringify(await change(document) ?? document)
    const headers = new Headers(init.headers)
    headers.set("Content-Type", "application/json")
    headers.set("If-Match", tag)
    headers.set(...Object.entries(idempotencyKey())[0]) // or the same words of another client would be this one's
    const wrote = await send(read.url || url, {...init, method: "PUT", headers, body, redirect: "manual"})
    if (wrote.ok) return wrote
    if (n >= tries || !othersWrote(wrote)) throw new Refused("PUT", wrote)
    await wrote.arrayBuffer() // so that the connection is free for the next request
    await pause(n, wrote.headers.get("Retry-After"))
  }
}

/** A header field: with it a POST may be repeated, and a write is not taken for another client's that says the same. Browsers have randomUUID where the page came by https or from localhost. */
export const idempotencyKey = () => ({"Idempotency-Key": `"${crypto.randomUUID()}"`})

const hasPrecondition = request => request.headers.has("If-Match") || request.headers.has("If-None-Match")

// Why the proxy refused, or what else it says of its answer; "" of what comes from the backend.
const reason = response => /\bproxy409;[^,]*\bdetails="([^"]*)"/.exec(response.headers.get("Proxy-Status"))?.[1] ?? ""

// It does not help to read again against the 409s of the backend and of the proxy's other rules, nor where something on the way takes
// If-Match away (missing).
const othersWrote = response => response.status === 412 ||
  response.status === 409 && ["stale", "absent", "busy"].includes(reason(response))

// As long as Retry-After says, and a while left to chance: those who met once would meet again.
const pause = (n, retryAfter) => new Promise(done =>
  setTimeout(done, (Number(retryAfter) || 0) * 1000 + Math.random() * 50 * 2 ** Math.min(n, 5)))
