-- error: compiles a loop
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	load("while true do end")()
end)
