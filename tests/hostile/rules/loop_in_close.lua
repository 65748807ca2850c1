-- steps: loops in a variable's __close, after an error
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local _ <close> = setmetatable({}, { __close = function() while true do end end })
	error("first")
end)
