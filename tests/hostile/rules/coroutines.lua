-- error: loops in a coroutine
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	coroutine.wrap(function() while true do end end)()
end)
