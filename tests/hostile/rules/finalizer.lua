-- error: asks for a finalizer that loops
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	setmetatable({}, { __gc = function() while true do end end })
end)
