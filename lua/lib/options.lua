-- SPDX-License-Identifier: GPL-2.0-or-later

-- Options of a rule: a name that nobody reads is a slip of the pen, and so is a value of another
-- kind. The defaults say which names there are and what they take; a table is a list or a map.

local options = {}

local kinds = {
	number = "a number",
	string = "a text",
	boolean = "true or false",
	table = "a list or a map",
}

local function names(defaults)
	local list = {}
	for name in pairs(defaults) do
		list[#list + 1] = name
	end
	table.sort(list)
	return table.concat(list, ", ")
end

--- Takes what init() was given; returns the same with the defaults in it.
---@generic T: table
---@param given table<string, any>
---@param defaults T
---@return T
function options.read(given, defaults)
	local read = {}
	for name, value in pairs(defaults) do
		read[name] = value
	end
	for name, value in pairs(given) do
		local default = defaults[name]
		if default == nil then
			error(("no option '%s', there are: %s"):format(name, names(defaults)), 0)
		end
		if type(value) ~= type(default) then
			error(("option '%s' takes %s"):format(name, kinds[type(default)]), 0)
		end
		read[name] = value
	end
	return read
end

return options
