-- steps: loops in __call
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local t = setmetatable({}, { __call = function() while true do end end })
	t()
end)
