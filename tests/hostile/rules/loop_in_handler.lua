-- steps: loops in the handler of xpcall
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	xpcall(error, function() while true do end end)
end)
