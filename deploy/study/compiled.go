package study

import "sync"

// compiled keeps packs by their text. A pack is never changed once it is made.
var compiled sync.Map
