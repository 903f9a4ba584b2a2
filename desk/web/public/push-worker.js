// Shows notices that were pushed to this browser, and does nothing else: it holds no page and answers no request. What it is sent names
// neither a patient nor what they have; whoever follows it signs in. Written for browsers as old as Chrome 87.
self.addEventListener('push', (event) => {
  let said = {}
  try {
    said = (event.data && event.data.json()) || {}
  } catch (e) {
    said = {} // a notice that cannot be read is shown as one that asks to look
  }
  const title = typeof said.title === 'string' && said.title ? said.title : 'Tocsin 早期预警 early warning'
  const text = typeof said.text === 'string' ? said.text : '请查看预警台。 Look at the desk.'
  const alert = typeof said.alert === 'string' && /^[\w-]{1,64}$/.test(said.alert) ? said.alert : ''
  event.waitUntil(
    self.registration.showNotification(title, {
      body: text,
      tag: typeof said.notice === 'string' ? said.notice : 'tocsin', // the same notice again takes the place of the first
      renotify: true,
      requireInteraction: true,
      data: { alert },
    }),
  )
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  const alert = event.notification.data && event.notification.data.alert
  const desk = new URL('./', self.location.href)
  const url = alert ? new URL(`./#/warning/${alert}`, desk).href : desk.href
  event.waitUntil(
    self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then((all) => {
      const open = all.find((c) => c.url.startsWith(desk.href))
      if (!open) return self.clients.openWindow(url)
      return open.focus().then(() => (open.navigate ? open.navigate(url).catch(() => self.clients.openWindow(url)) : self.clients.openWindow(url)))
    }),
  )
})
