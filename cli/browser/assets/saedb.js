window.dash_clientside = Object.assign({}, window.dash_clientside)
window.dash_clientside.saedb = Object.assign({}, window.dash_clientside.saedb, {
  title: function (text) {
    if (text) document.title = text
    return window.dash_clientside.no_update
  },
})

document.addEventListener('keydown', function (event) {
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
  const box = document.getElementById('menu-search')
  if (box) {
    event.preventDefault()
    box.focus()
  }
})
