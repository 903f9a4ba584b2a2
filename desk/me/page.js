// The patient's page. It works in Chrome 87 and inside WeChat, without a service worker and without anything from elsewhere. What it cannot
// know it says: an old "watched" must not stand there once the line is gone.
(function () {
  'use strict'
  var every = 15000 // between two looks, in ms
  var old = 60000 // after so long without an answer nothing is known any more
  var words = {
    zh: {
      device: '设备编号', token: '口令', show: '显示', forget: '退出', other: 'English', call: '拨打 ', asOf: '更新于 ', wrong: '设备编号或口令不正确。', slow: '尝试次数过多，请稍后再试。',
      lost: '没有网络连接，无法确定现在是否有人查看，请当作无人查看。紧急情况请拨打 ', first: '请填写设备编号和口令。紧急情况请拨打 ', end: '。',
    },
    en: {
      device: 'Number of the device', token: 'Its code', show: 'Show', forget: 'Sign out', other: '中文', call: 'Call ', asOf: 'As of ', wrong: 'The device’s number or its code is wrong.', slow: 'Too many attempts; try again later.',
      lost: 'No connection: whether anybody watches now is not known. Take it that nobody does. Emergency: ', first: 'Enter the device’s number and its code. Emergency: ', end: '.',
    },
  }
  var kept = store('tocsin.me')
  var language = store('tocsin.tongue').get() || (/^zh/.test(navigator.language || 'zh') ? 'zh' : 'en')
  var who = null
  var said = null // the last answer
  var heard = { ran: 0, wall: 0 } // when it came, by two clocks: one may be set, the other stands still while a phone sleeps
  var fault = ''
  var timer = 0

  function store(name) {
    var memory = ''
    return {
      get: function () {
        try {
          return localStorage.getItem(name) || memory
        } catch (e) {
          return memory
        }
      },
      set: function (v) {
        memory = v
        try {
          if (v) localStorage.setItem(name, v)
          else localStorage.removeItem(name)
        } catch (e) {
          // it holds as long as the page
        }
      },
    }
  }

  function el(id) {
    return document.getElementById(id)
  }

  // A link with #d=…&t=… is how the page is opened the first time; what it says leaves the address at once.
  function fromLink() {
    var p = new URLSearchParams(location.hash.slice(1))
    if (p.get('d') && p.get('t')) kept.set(JSON.stringify({ d: p.get('d'), t: p.get('t') }))
    if (location.hash) history.replaceState(null, '', location.pathname)
    try {
      who = JSON.parse(kept.get() || 'null')
    } catch (e) {
      who = null
    }
  }

  function text(node, s) {
    if (node.textContent !== s) node.textContent = s // said again by a screen reader only when it changes
  }

  function draw() {
    var w = words[language]
    var call = (said && said.call) || '120'
    var fresh = said && performance.now() - heard.ran < old && Math.abs(Date.now() - heard.wall) < old
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
    var all = document.querySelectorAll('[data-w]')
    for (var i = 0; i < all.length; i++) text(all[i], w[all[i].getAttribute('data-w')])
    text(el('tongue'), w.other)
    el('tongue').lang = language === 'zh' ? 'en' : 'zh-CN'
    text(el('line'), !who ? w.first + call + w.end : fresh ? said.line[language] : w.lost + call + w.end)
    el('line').className = fresh && said.state === 'watched' ? '' : 'striped'
    el('line').setAttribute('data-state', !who ? 'nobody' : fresh ? said.state : 'lost')
    el('danger').hidden = !(who && said && said.danger) // a line that breaks ends no danger
    text(el('advice'), who && said && said.danger ? said.advice[language] : '')
    el('call').href = 'tel:' + call
    text(el('call'), w.call + call)
    text(el('age'), who && said ? w.asOf + new Date(said.at).toLocaleString(language === 'zh' ? 'zh-CN' : 'en-GB') : '')
    el('who').hidden = !!who
    el('forget').hidden = !who
    el('fault').hidden = !fault
    text(el('fault'), fault ? w[fault] : '')
  }

  function forget(why) {
    kept.set('')
    who = said = null
    fault = why
    draw()
  }

  function look() {
    clearTimeout(timer)
    if (!who) return draw()
    var asked = who
    var stop = new AbortController()
    var late = setTimeout(function () {
      stop.abort()
    }, 10000)
    fetch('/me/state', { headers: { Authorization: 'Basic ' + btoa(unescape(encodeURIComponent(asked.d + ':' + asked.t))) }, credentials: 'omit', cache: 'no-store', signal: stop.signal })
      .then(function (res) {
        if (asked !== who) return null
        if (res.status === 401) return forget('wrong')
        if (res.status === 429) fault = 'slow'
        return res.ok ? res.json() : null
      })
      .then(function (s) {
        if (!s || asked !== who) return
        said = s
        heard = { ran: performance.now(), wall: Date.now() }
        fault = ''
      })
      .catch(function () {
        // nothing was heard: what was grows old, and draw says so
      })
      .then(function () {
        clearTimeout(late)
        draw()
        if (who) timer = setTimeout(look, every)
      })
    draw()
  }

  el('who').addEventListener('submit', function (e) {
    e.preventDefault()
    who = { d: el('device').value.trim(), t: el('token').value.trim() }
    kept.set(JSON.stringify(who))
    el('token').value = ''
    fault = ''
    look()
  })
  el('forget').addEventListener('click', function () {
    forget('')
  })
  el('tongue').addEventListener('click', function () {
    language = language === 'zh' ? 'en' : 'zh'
    store('tocsin.tongue').set(language)
    draw()
  })
  document.addEventListener('visibilitychange', function () {
    if (!document.hidden) look() // a phone that was asleep shows nothing old
  })
  window.addEventListener('hashchange', function () {
    fromLink()
    look()
  })
  setInterval(draw, 5000) // what grows old says so without being asked
  fromLink()
  look()
})()
