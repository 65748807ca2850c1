-- none: adds a finalizer where nobody looks
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	local meta = {}
	setmetatable({}, meta)
	meta.__gc = function()
		while true do end
	end
	for _ = 1, 20000 do
		local _ = {}
	end
end)
